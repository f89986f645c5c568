import { type Command, InvalidArgumentError } from 'commander'
import { defineChangeOptions, readChangeOptions } from '../change-options.ts'
import type { Cli } from '../cli.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { gather } from '../repeated-option.ts'
import { readCount, readRate, readTimeout } from '../replica-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
UPSTREAM is the URL of a repository, of a mirrorlist or of a metalink, s3://BUCKET/PATH, or a directory. What is chosen of it and is not in
REPO yet comes there, checked against the digests of upstream's metadata; comps, modules and updateinfo are united with those of REPO.
Killed at any point, the same command again goes on: what has come stays. What else is in REPO, one's own packages or those of other
upstreams, is left alone.

With --package-policy signed what no key of the keyring has signed does not come, and is named. What upstream places elsewhere (xml:base)
comes from there.

What upstream drops stays, unless --prune is said; and that only deletes what an earlier run brought from there. In
repodata/mirror-*.json it is kept what that is.

Examples:
  $ repokeeper mirror https://packages.example.org/el9/x86_64/ s3://my-bucket/el9/x86_64 --key upstream.asc
  $ repokeeper mirror 'https://mirrors.example.org/metalink?repo=epel-9&arch=x86_64' ./epel --newest 2 --arch x86_64 --arch noarch
  $ repokeeper mirror https://a.example.org/ https://b.example.org/ s3://my-bucket/el9 --include 'nginx*' --exclude '*-debuginfo'
  $ repokeeper mirror https://packages.example.org/el9/ ./el9 --since 30d --dry-run
  $ repokeeper mirror https://packages.example.org/el9/ ./el9 --prune --bandwidth 20M
  $ repokeeper mirror https://packages.example.org/el9/ ./copy --keep-upstream-metadata   # an exact copy, as "repokeeper pull" makes it
  $ repokeeper mirror --config /etc/repokeeper/mirrors.yaml                               # several, for a scheduled job

The file has a list; each of it names upstream, mirrorlist or metalink, and to, the repository; and, as the options do, key, include, exclude,
arch, newest, since, directory, replace, prune, packagesOnly, keepUpstreamMetadata.
`

export function defineMirror(program: Command, cli: Cli): void {
  const command = program
    .command('mirror')
    .description(
      'Bring what is missing of other repositories into one: filtered, checked, resumable, never deleting unasked.',
    )
    .usage('[options] <UPSTREAM...> <REPO>')
    .argument('[UPSTREAM...]', 'URLs, s3://BUCKET/PATH or directories; and then REPO: s3://BUCKET/PATH or a directory')
    .option('--mirrorlist <url>', 'upstream is one of the addresses listed there; may be given several times', gather)
    .option('--metalink <url>', 'the same, with the digest of repomd.xml; may be given several times', gather)
    .option('-c, --config <file>', 'YAML file with a list of mirrors')
    .option('--key <file>', 'take only what is signed by one of these public keys; may be given several times', gather)
    .optionsGroup('What is taken:')
    .option('--include <glob>', 'only packages with such a name or NEVRA; may be given several times', gather)
    .option('--exclude <glob>', 'none with such a name or NEVRA; may be given several times', gather)
    .option('--arch <name>', 'only this architecture; may be given several times', gather)
    .option('--newest <count>', 'so many of the newest versions of each name and architecture', readNewest)
    .option('--since <time>', 'only files that are not older: 30d, or a date such as 2026-11-01')
    .option('--packages-only', 'leave comps, modules and updateinfo of upstream where they are')
    .option('--keep-upstream-metadata', 'an exact copy of the one UPSTREAM instead, with its metadata and signature')
    .optionsGroup('What is done:')
    .option('--to <directory>', 'below the root of REPO; packages lie there as they do upstream')
    .option('--replace', 'replace another file of the same name')
    .option('--prune', 'delete what an earlier run brought and upstream no longer has, or that is not chosen any more')
    .option('--force-prune', 'with --prune: also where upstream is empty, or has less than half of what it had')
    .option('--take-over', 'with --keep-upstream-metadata: REPO may hold something else')
    .option('--concurrency <count>', 'files at the same time', readCount, 8)
    .option('--bandwidth <rate>', 'bytes a second at most: 500K, 20M, 1G', readRate)
    .option('--upstream-timeout <time>', 'how long a web server may say nothing (default: 30s)', readTimeout)
  definePolicyOptions(defineSigningOptions(defineChangeOptions(command)))
    .addHelpText('after', examples)
    .action(async (places: string[]) => {
      const values = command.optsWithGlobals()
      const { readJobs, readManner } = await import('../mirror-options.ts')
      const jobs = await readJobs(places, values, Date.now())
      const manner = { ...readChangeOptions(values), ...readManner(values) }
      const connection = readPublishingConnection(values, cli.environment)
      const { mirrorAll } = await import('../mirror-repository.ts')
      cli.exitCode = await mirrorAll(jobs, manner, connection, cli)
    })
}

function readNewest(text: string): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  if (value >= 1) return value
  throw new InvalidArgumentError('Expected a whole number of versions, 1 or more.')
}
