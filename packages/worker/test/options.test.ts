import { describe, expect, it } from 'vitest'
import { describeWorkerOptions, inboxesOf, type OptionSources, readWorkerOptions, rootsOf } from '../src/options.ts'

const read = (sources: Partial<OptionSources>) => readWorkerOptions({ flags: {}, environment: {}, ...sources })
const optionsOf = (sources: Partial<OptionSources>) => {
  const outcome = read(sources)
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  return outcome.options
}
const problemsOf = (sources: Partial<OptionSources>) => {
  const outcome = read(sources)
  return outcome.kind === 'problems' ? outcome.problems : []
}
const yaml = (text: string) => ({ path: 'worker.yaml', text })

describe('options', () => {
  it('have their defaults where nothing but the queue is said', () => {
    expect(optionsOf({ flags: { queue: 'additions' } })).toEqual({
      queue: 'additions',
      batchQuietSeconds: 2,
      batchLongestWaitSeconds: 20,
      batchKeysMax: 1_000,
      visibilityTimeoutSeconds: 120,
      concurrency: 4,
      messagesMax: 5_000,
      graceSeconds: 25,
      auditInterval: '6h',
      gcInterval: '6h',
      retention: '24h',
      keepGenerations: 1,
      inboxRejected: 'rejected/',
      inboxReplace: false,
      singleWriter: false,
      site: false,
      emf: false,
      once: false,
      openChecksum: 'auto',
      unsigned: false,
      acceptWeakSignatures: false,
      logLevel: 'info',
      logFormat: 'auto',
    })
  })

  it('come from a flag before the environment before the file', () => {
    const file = yaml('queue: file\nconcurrency: 1\nbatchKeysMax: 1\ngraceSeconds: 1')
    const environment = { REPOKEEPER_CONCURRENCY: '2', REPOKEEPER_BATCH_KEYS_MAX: '2' }
    expect(optionsOf({ flags: { concurrency: '3' }, environment, file })).toMatchObject({
      queue: 'file',
      concurrency: 3,
      batchKeysMax: 2,
      graceSeconds: 1,
    })
  })

  it('take region and endpoint from what AWS calls them, after everything that was said to the worker', () => {
    const environment = {
      AWS_REGION: 'eu-west-3',
      AWS_ENDPOINT_URL: 'http://all:1',
      AWS_ENDPOINT_URL_SQS: 'http://sqs:1',
    }
    expect(optionsOf({ flags: { queue: 'q' }, environment })).toMatchObject({
      region: 'eu-west-3',
      endpointUrl: 'http://sqs:1',
    })
    const file = yaml('queue: q\nregion: us-west-2\nendpointUrl: http://file:1')
    expect(optionsOf({ environment, file })).toMatchObject({ region: 'us-west-2', endpointUrl: 'http://file:1' })
  })

  it('may be empty in the environment, which says nothing', () => {
    expect(
      optionsOf({ flags: { queue: 'q' }, environment: { REPOKEEPER_REGION: '', REPOKEEPER_ONCE: '' } }),
    ).toMatchObject({ once: false })
  })

  it.each([
    ['true', true],
    ['1', true],
    ['no', false],
    ['off', false],
  ])('switch on and off by %s', (text, once) => {
    expect(optionsOf({ environment: { REPOKEEPER_QUEUE: 'q', REPOKEEPER_ONCE: text } }).once).toBe(once)
  })

  it('name several repositories by several flags, by commas, or by a list', () => {
    const repositories = ['s3://packages/el9/*', 's3://packages/el8']
    expect(optionsOf({ flags: { queue: 'q', repositories } }).repositories).toEqual(repositories)
    expect(
      optionsOf({ flags: { queue: 'q' }, environment: { REPOKEEPER_REPOSITORIES: repositories.join(', ') } })
        .repositories,
    ).toEqual(repositories)
    expect(
      optionsOf({ file: yaml(`queue: q\nrepositories:\n${repositories.map((one) => `  - ${one}\n`).join('')}`) })
        .repositories,
    ).toEqual(repositories)
  })

  it('name inboxes by several flags, by commas, or as YAML has it', () => {
    const expected = ['inbox/=repo/', 'in=out']
    expect(optionsOf({ flags: { queue: 'q', inbox: expected } }).inbox).toEqual(expected)
    const environment = { REPOKEEPER_QUEUE: 'q', REPOKEEPER_INBOX: 'inbox/=repo/, in=out' }
    expect(optionsOf({ environment }).inbox).toEqual(expected)
    const list = yaml('queue: q\ninbox:\n  - {from: inbox/, to: repo/}\n  - {from: in, to: out}')
    expect(optionsOf({ file: list }).inbox).toEqual(expected)
    const one = yaml('queue: q\ninbox: {from: inbox/, to: repo/}\ninboxReplace: true')
    expect(inboxesOf(optionsOf({ file: one }))).toEqual([
      { from: 'inbox/', to: 'repo/', rejected: 'rejected/', replaces: true },
    ])
  })

  it.each([
    ['inbox/', /^--inbox\[0\]: expected FROM=TO/],
    ['inbox/=inbox/repo', /none of the three directories may lie in another/],
    ['rejected/=repo/', /none of the three directories may lie in another/],
    ['inbox/=repo/,repo/x=other', /lie in each other/],
    ['inbox/=repo/,inbox/el9=other', /lies in two inboxes/],
  ])('tell an inbox that cannot be: %s', (text, problem) => {
    expect(problemsOf({ flags: { queue: 'q', inbox: text.split(',') } })).toEqual([expect.stringMatching(problem)])
  })

  it('that are wrong are told all at once, each with where it was said', () => {
    const problems = problemsOf({
      flags: { concurrency: 'many', endpointUrl: 'localhost:4566', repositories: ['s3://b/el*', 'b/el9'] },
      environment: { REPOKEEPER_ONCE: 'maybe', REPOKEEPER_LOG_LEVEL: 'loud' },
      file: yaml('visibilityTimeoutSeconds: 0\nqueueName: additions'),
    })
    expect(problems).toEqual(
      expect.arrayContaining([
        '--queue: give the name or URL of the SQS queue',
        expect.stringMatching(/^--concurrency is "many": expected number$/),
        '--endpoint-url is "localhost:4566", which is no http:// or https:// URL: write http://localhost:4566 or https://localhost:4566',
        expect.stringMatching(/^--repository\[0\]: .*whole segment/),
        expect.stringMatching(/^--repository\[1\]: .*expected s3:\/\/bucket\/path/),
        'REPOKEEPER_ONCE is "maybe": expected true or false',
        expect.stringMatching(/^REPOKEEPER_LOG_LEVEL is "loud": expected one of/),
        expect.stringMatching(/^visibilityTimeoutSeconds in worker.yaml is 0: Too small/),
        expect.stringMatching(/^queueName in worker.yaml: there is no such option; there are queue, /),
      ]),
    )
    expect(problems.length).toBe(9)
  })

  it.each([
    ['a list', '- queue', 'expected options by name'],
    ['no YAML', '{', 'is not YAML'],
  ])(
    'from a file that is %s are a problem that names the file, and what it may hold is not missed',
    (_what, text, reason) => {
      const broken = expect.stringMatching(new RegExp(`^worker.yaml.*${reason}`))
      expect(problemsOf({ file: yaml(text) })).toEqual([broken])
      expect(problemsOf({ flags: { concurrency: 'many' }, file: yaml(text) })).toEqual([
        broken,
        '--concurrency is "many": expected number',
      ])
    },
  )

  it('that are wrong do not show what a URL holds, nor more than anybody reads', () => {
    const flags = { queue: 'q', endpointUrl: 'user:secret@host', logLevel: 'x'.repeat(1_000) }
    const problems = problemsOf({ flags })
    expect(problems).toHaveLength(2)
    expect(problems.join()).not.toContain('secret')
    expect(problems.join().length).toBeLessThan(300)
  })

  it.each(['9180', 'localhost', ':9180', '127.0.0.1:70000', 'http://localhost:9180/', '::1:9180', '[::1]'])(
    'with the endpoint at %s are a problem that shows how',
    (http) => {
      expect(problemsOf({ flags: { queue: 'q', http } })).toEqual([
        `--http is ${JSON.stringify(http)}: expected HOST:PORT, such as 127.0.0.1:5000 or [::1]:5000`,
      ])
    },
  )

  it('want the URL of generations to tell several repositories apart', () => {
    const generationsUrl = 'https://packages.example.com/el9/'
    const problems = (repositories: readonly string[] | undefined, url = generationsUrl) =>
      problemsOf({ flags: { queue: 'q', repositories, generationsUrl: url } })
    for (const several of [undefined, ['s3://b/el9/*'], ['s3://b/a', 's3://b/c']]) {
      expect(problems(several)).toEqual([expect.stringContaining('let {path} stand for the directory of each')])
      expect(problems(several, 'https://packages.example.com/{path}/')).toEqual([])
    }
    expect(problems(['s3://b/el9'])).toEqual([])
  })

  it('name the endpoint and where metrics go', () => {
    const environment = { REPOKEEPER_HTTP: '[::1]:0', REPOKEEPER_STATSD: 'agent.local:8125', REPOKEEPER_EMF: 'yes' }
    expect(optionsOf({ flags: { queue: 'q' }, environment })).toMatchObject({
      http: '[::1]:0',
      statsd: 'agent.local:8125',
      emf: true,
    })
    expect(problemsOf({ flags: { queue: 'q', statsd: 'agent.local:0' } })).toEqual([
      expect.stringContaining('--statsd'),
    ])
  })

  it('with a quiet window that never comes are a problem', () => {
    expect(problemsOf({ flags: { queue: 'q', batchQuietSeconds: '30' } })).toEqual([
      expect.stringContaining('--batch-quiet-seconds (30) is longer than --batch-longest-wait-seconds (20)'),
    ])
  })
})

describe('the descriptions of the options', () => {
  it('say flag, variable, default and meaning of each', () => {
    const described = describeWorkerOptions()
    expect(described.find(({ name }) => name === 'visibilityTimeoutSeconds')).toEqual({
      name: 'visibilityTimeoutSeconds',
      flag: 'visibility-timeout-seconds',
      placeholder: 'SECONDS',
      repeatable: false,
      environment: 'REPOKEEPER_VISIBILITY_TIMEOUT_SECONDS',
      description: expect.stringContaining('extended while it is held'),
      defaultValue: '120',
    })
    expect(described.find(({ name }) => name === 'queue')).toMatchObject({ flag: 'queue', short: 'q' })
    for (const { description } of described) expect(description).toMatch(/\w/)
  })

  it('hide no default', () => {
    const withDefault = describeWorkerOptions().filter(({ defaultValue }) => defaultValue !== undefined)
    expect(withDefault.map(({ name }) => name)).toEqual(
      Object.keys(optionsOf({ flags: { queue: 'q' } })).filter((name) => name !== 'queue'),
    )
  })
})

describe('configured repositories', () => {
  it('are patterns by bucket, and none where none are named', () => {
    expect(rootsOf(['s3://b/el9/*', 's3://c', 's3://b/el8/'])).toEqual(
      new Map([
        ['b', [{ segments: ['el9', '*'] }, { segments: ['el8'] }]],
        ['c', [{ segments: [] }]],
      ]),
    )
    expect(rootsOf(undefined)).toBeUndefined()
    expect(rootsOf([])).toBeUndefined()
  })
})
