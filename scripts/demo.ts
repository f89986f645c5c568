/**
 * The main job, shown on this machine: S3 and SQS from local-cloud, both workers as processes of their own, packages added
 * and removed by `updatePackages`, and dnf as the one who sees it.
 *
 *   scripts/demo [--keep] [--port N] [RPM…]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough, type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { missingClients } from '../fixtures/clients.ts'
import { openDnf } from '../fixtures/dnf.ts'

const usage = `scripts/demo [--keep] [--port N] [RPM…]

Starts S3 and SQS on this machine, both workers, and shows packages on their way: uploaded, listed, installable, removed.

  RPM…       packages to use instead of those under fixtures/rpms
  --keep     leave everything running, and say how dnf, a browser and the programs use it; Ctrl-C ends it
  --port N   where S3 and SQS listen (default: any free port)
`

const checkout = resolve(import.meta.dirname, '..')
const program = (name: string): string => join(checkout, 'packages', 'cli', 'bin', `${name}.js`)
const bucket = 'demo-packages'
const path = 'el9/x86_64'
const queues = { add: 'demo-additions', remove: 'demo-removals', deadLetters: 'demo-dead-letters' }

/** Anything will do for local-cloud; a profile of the person's must not take their place. */
const credentials = { AWS_ACCESS_KEY_ID: 'demo', AWS_SECRET_ACCESS_KEY: 'demo', AWS_REGION: 'us-east-1' }

const startedAt = performance.now()
const children: ChildProcess[] = []
process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (typeof options === 'number') return options
  const packages = options.packages.length > 0 ? options.packages : await packagesOfOurs()
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-demo-'))
  const interrupted = new Promise<number>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => end(128 + constants.signals[signal]))
    }
  })
  const ended = await Promise.race([show(directory, packages, options), interrupted]).catch((error: unknown) => {
    process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
    process.stderr.write(`The logs are in ${directory}\n`)
    return 1
  })
  if (ended === 'shown' && options.keep) await interrupted
  await stopChildren()
  if (ended !== 1) await rm(directory, { recursive: true, force: true })
  if (ended !== 'shown' && ended !== 1) say('\nStopped.')
  return ended === 'shown' ? 0 : ended
}

async function show(
  directory: string,
  packages: readonly string[],
  options: { port: string; keep: boolean },
): Promise<'shown'> {
  title('S3 and SQS on this machine')
  const endpoint = await startCloud(directory, options.port)
  const settings = { ...credentials, AWS_ENDPOINT_URL: endpoint, REPOKEEPER_CACHE_DIR: join(directory, 'cache') }
  const environment: NodeJS.ProcessEnv = { ...process.env, ...settings }
  delete environment.AWS_PROFILE
  const repository = `s3://${bucket}/${path}`
  const named = ['--add-queue', queues.add, '--remove-queue', queues.remove, '--dead-letter-queue', queues.deadLetters]
  const init = ['init', repository, ...named]
  say(`${endpoint}\n$ repokeeper ${init.join(' ')}`)
  const { steps, forLater } = await initRepository(init, environment)
  say(steps)

  title('Two workers, a process each')
  const pages = [queues.add, queues.remove].map((queue) => startWorker(queue, directory, environment))

  const updatePackages = async (...args: string[]): Promise<void> => {
    say(`$ updatePackages ${args.map((arg) => (arg.startsWith('/') ? basename(arg) : arg)).join(' ')}`)
    await run(program('updatePackages'), args, environment)
  }
  const list = (): Promise<void> => run(program('repokeeper'), ['list', repository], environment)

  title(packages.length === 1 ? 'Add a package' : `Add ${packages.length} packages`)
  await timed('from the first upload until all are published', () =>
    updatePackages('-b', bucket, '-p', path, '-o', 'add', '--wait', ...packages),
  )
  say(`$ repokeeper list ${repository}`)
  await list()

  const baseUrl = `${endpoint}/${bucket}/${path}/`
  const gone = basename(packages[0] ?? '')
  await showDnf(join(directory, 'dnf'), baseUrl, packages)

  title(`Remove ${gone}`)
  await timed('from the deletion until it is published', () =>
    updatePackages('-b', bucket, '-p', path, '-o', 'remove', '--wait', gone),
  )
  say(`$ repokeeper list ${repository}`)
  await list()
  await showDnf(join(directory, 'dnf-again'), baseUrl, [])
  say(`$ repokeeper plan ${repository}`)
  await run(program('repokeeper'), ['plan', repository], environment)

  say(`\nThe whole took ${seconds(performance.now() - startedAt)}.`)
  if (options.keep) {
    title(`Put ${gone} back, and leave everything running`)
    await updatePackages('-b', bucket, '-p', path, '-o', 'add', '--wait', packages[0] ?? '')
    await run(program('repokeeper'), ['site', repository, '--base-url', baseUrl], environment)
    tellHowToUse(settings, forLater)
    title('For a browser')
    for (const [at, queue] of [queues.add, queues.remove].entries()) {
      say(`${(await pages[at])?.padEnd(40)} how the worker of ${queue} does`)
    }
    say(`${baseUrl}repoview/index.html   the packages`)
    say(`\nThe logs of the workers are in ${directory}. Ctrl-C ends everything.`)
  }
  return 'shown'
}

/** What init does, and the .repo file that it prints, which is of use only where all of this goes on. */
async function initRepository(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly steps: string; readonly forLater: string }> {
  const child = spawn(process.execPath, [program('repokeeper'), ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`init ended with ${code}; what it said stands above`)
  const [steps = '', forLater = ''] = printed.split('\n\n')
  return { steps, forLater }
}

/** @param settings what the programs have to find in their environment */
function tellHowToUse(settings: Readonly<Record<string, string>>, repoFile: string): void {
  title('The .repo file')
  say(repoFile)
  title('For the programs, in another terminal')
  for (const [name, value] of Object.entries(settings)) say(`export ${name}=${value}`)
  if (process.env.AWS_PROFILE) say('unset AWS_PROFILE')
  say(`cd '${checkout.replaceAll("'", `'\\''`)}'`)
  say(`npx updatePackages -b ${bucket} -p ${path} -o add my.rpm --wait`)
  say('npx repokeeper history                                  # what the workers did')
  say(`npx repokeeper dead-letters list -q ${queues.deadLetters}   # what they could not use`)
}

/** dnf with an empty cache: what it lists, and that it can fetch a package and check its digest. */
async function showDnf(directory: string, baseUrl: string, packages: readonly string[]): Promise<void> {
  if (missingClients(['dnf']).length > 0) {
    say('(dnf is not on this machine: that it lists and downloads the packages is not shown)')
    return
  }
  const dnf = await openDnf(directory, baseUrl)
  say('$ dnf clean all && dnf makecache && dnf repoquery')
  await dnf('clean', 'all')
  await timed('dnf makecache', () => dnf('makecache'))
  say((await dnf('repoquery', '--quiet')).stdout.trimEnd())
  if (packages.length === 0 || missingClients(['dnf-plugins']).length > 0) return
  const name = (await dnf('repoquery', '--quiet', '--queryformat', '%{name}')).stdout.split('\n')[0] ?? ''
  say(`$ dnf download ${name}`)
  await dnf('download', '--quiet', `--destdir=${directory}`, name)
  for (const file of (await readdir(directory)).filter((one) => one.endsWith('.rpm'))) say(`${file}: digest as listed`)
}

async function startCloud(directory: string, port: string): Promise<string> {
  const main = join(checkout, 'packages', 'local-cloud', 'src', 'main.ts')
  const cloud = spawn(process.execPath, [main, '--directory', join(directory, 'cloud'), '--port', port], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(cloud)
  let complaint = ''
  cloud.stderr.on('data', (text) => {
    complaint += String(text)
  })
  for await (const line of createInterface({ input: cloud.stdout })) return readEndpoint(line)
  const inUse = complaint.includes('EADDRINUSE')
  throw new Error(inUse ? `port ${port} is in use; choose another --port` : `local-cloud did not start: ${complaint}`)
}

function readEndpoint(line: string): string {
  const ready: unknown = JSON.parse(line)
  if (typeof ready === 'object' && ready !== null && 'endpoint' in ready) return String(ready.endpoint)
  throw new Error(`local-cloud said ${line}`)
}

/** @returns where its status page is, as soon as it listens */
function startWorker(queue: string, directory: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const log = join(directory, `${queue}.log`)
  // As init says it, and with a page.
  const said = ['worker', '-q', queue, '--repository', `s3://${bucket}/${dirname(path)}/*`, '--http', '127.0.0.1:0']
  say(`$ repokeeper ${said.join(' ')}`)
  const args = [program('repokeeper'), ...said, '--log-format', 'text']
  const worker = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  worker.stderr.pipe(createWriteStream(log))
  worker.once('exit', (code) => {
    if (code !== 0 && code !== null) process.stderr.write(`the worker of ${queue} ended with ${code}, see ${log}\n`)
  })
  children.push(worker)
  return readPage(worker.stderr)
}

async function readPage(log: Readable): Promise<string> {
  for await (const line of createInterface({ input: log.pipe(new PassThrough()) })) {
    const [, address] = /operations endpoint at (\S+)status$/.exec(line) ?? []
    if (address !== undefined) return address
  }
  return '(the worker did not come to it)'
}

function run(file: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [file, ...args], {
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    children.push(child)
    child.once('error', failed)
    child.once('exit', (code) => {
      if (code === 0) done()
      else failed(new Error(`${basename(file, '.js')} ended with ${code}; what it said stands above`))
    })
  })
}

async function stopChildren(): Promise<void> {
  const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
  const ends = running.map((child) => new Promise((end) => child.once('exit', end)))
  for (const child of running.toReversed()) child.kill('SIGTERM')
  await Promise.all(ends)
}

async function packagesOfOurs(): Promise<string[]> {
  const directory = join(checkout, 'fixtures', 'rpms')
  return (await readdir(directory)).filter((name) => name.endsWith('.rpm')).map((name) => join(directory, name))
}

function readOptions(): { keep: boolean; port: string; packages: string[] } | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        keep: { type: 'boolean', default: false },
        port: { type: 'string', default: '0' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const missing = positionals.filter((file) => !existsSync(file))
    if (missing.length > 0) throw new Error(`no such file: ${missing.join(', ')}`)
    if (!/^[0-9]{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
      throw new Error(`--port ${values.port}: a port is a number up to 65535`)
    }
    return { keep: values.keep, port: values.port, packages: positionals.map((file) => resolve(file)) }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
}

async function timed<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const from = performance.now()
  const result = await work()
  say(`→ ${what}: ${seconds(performance.now() - from)}`)
  return result
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

function title(text: string): void {
  say(`\n=== ${text}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
