import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'

const examples = `
The pages are made of the metadata alone, and lie beside the packages: open repoview/index.html. They ask for nothing but each
other, and without a script there are links by letter. The second time only what has changed is written, and the pages of packages
that are gone are deleted.

Examples:
  $ repokeeper site s3://my-bucket/el9/x86_64 --base-url https://packages.example.org/el9/x86_64/
  $ repokeeper site s3://my-bucket/el9/x86_64 --to about/packages --dry-run
  $ repokeeper site ./repo --title 'Packages of our team'
  $ repokeeper site s3://my-bucket/el9/x86_64 --output ./public --base-url https://packages.example.org/el9/x86_64/
`

export function defineSite(program: Command, cli: Cli): void {
  const to = new Option('--to <path>', 'directory of the pages, below REPO').argParser(readPath).default('repoview')
  const output = new Option('--output <dir>', 'write them to this directory of this machine instead').conflicts('to')
  const command = program
    .command('site')
    .description('Write pages for people: an index with search, versions, files, changelogs, how to install.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .addOption(to)
    .addOption(output)
    .option('--base-url <url>', 'where clients find REPO: for the .repo file, and with --output for links', readUrl)
    .option('--gpg-key <url>', 'public key that packages are signed with: the .repo file says gpgcheck=1', readUrl)
    .option('--title <text>', 'what the repository is called; its directory where nothing is said')
    .option('-n, --dry-run', 'say what would be written and deleted, change nothing')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const [{ withRepository }, { writePages }] = await Promise.all([
        import('../open-repository.ts'),
        import('../write-pages.ts'),
      ])
      cli.exitCode = await withRepository(repo, readConnection(values, cli.environment), cli, (repository) =>
        writePages(repository, options, cli),
      )
    })
}

const Options = z.object({
  json: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  to: z.string(),
  output: z.string().optional(),
  baseUrl: z.string().optional(),
  gpgKey: z.string().optional(),
  title: z.string().optional(),
})

/** Nothing that leads out of the repository, or into its metadata. */
function readPath(text: string): string {
  const path = text.replace(/^\//, '').replace(/\/$/, '')
  const isUsable = path.split('/').every((segment) => !['', '.', '..', 'repodata'].includes(segment))
  if (isUsable && !/[\u0000-\u001f\u007f]/.test(path)) return path
  throw new InvalidArgumentError('Expected a directory below the repository, such as repoview or about/packages.')
}

/** What dnf and zypper fetch from. It is kept as it was written: variables such as $basearch may stand in it. */
function readUrl(text: string): string {
  if (URL.canParse(text) && /^(?:https?|ftp|file):\/\/\S+$/i.test(text)) return text
  throw new InvalidArgumentError('Expected a URL such as https://packages.example.org/el9/x86_64/.')
}
