import { isClientUrl, isTitle } from '@repokeeper/repository/site-said'
import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { refuseOpposites } from '../opposite-options.ts'

const examples = `
The pages are made of the metadata alone, and lie beside the packages: open repoview/index.html. They ask for nothing but each
other, and without a script there are links by letter. Without --base-url there is no .repo file among them. The second time only
what has changed is read and written, and the pages of packages that are gone are deleted.

What is said of the repository with --title, --base-url and --gpg-key is kept with the pages, in repokeeper-site.json.gz: the next run, and a
worker with --site, go on with it. The option again changes it, --no-title, --no-base-url and --no-gpg-key take it back.

Examples:
  $ repokeeper site s3://my-bucket/el9/x86_64 --base-url https://packages.example.org/el9/x86_64/
  $ repokeeper site s3://my-bucket/el9/x86_64 --gpg-key https://packages.example.org/key.asc # the base URL stays
  $ repokeeper site s3://my-bucket/el9/x86_64 --no-gpg-key                                   # packages are not signed any more
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
    .option('--title <text>', 'what the repository is called; its directory where nothing is said', readTitle)
    .option('--no-base-url', 'it is not known any more where clients find REPO: there is no .repo file')
    .option('--no-gpg-key', 'no key any more: the .repo file says gpgcheck=0')
    .option('--no-title', 'call it by its directory again')
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
  refuseOpposites(command, ['base-url', 'gpg-key', 'title'])
}

/** `false`: taken back. */
const said = z.union([z.string(), z.literal(false)]).optional()

const Options = z.object({
  json: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  to: z.string(),
  output: z.string().optional(),
  baseUrl: said,
  gpgKey: said,
  title: said,
})

/** Nothing that leads out of the repository, or into its metadata. */
function readPath(text: string): string {
  const path = text.replace(/^\//, '').replace(/\/$/, '')
  const isUsable = path.split('/').every((segment) => !['', '.', '..', 'repodata'].includes(segment))
  if (isUsable && !/[\u0000-\u001f\u007f]/.test(path)) return path
  throw new InvalidArgumentError('Expected a directory below the repository, such as repoview or about/packages.')
}

function readUrl(text: string): string {
  if (isClientUrl(text)) return text
  throw new InvalidArgumentError('Expected a URL such as https://packages.example.org/el9/x86_64/.')
}

function readTitle(text: string): string {
  if (isTitle(text)) return text
  throw new InvalidArgumentError(
    'Expected a name of up to 200 characters; --no-title takes back the one that was given.',
  )
}
