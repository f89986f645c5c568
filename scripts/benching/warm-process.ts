/**
 * A process that stays alive, as a worker does, and brings the metadata of whatever keys it is told of up to date.
 * Its argument is an order; each message is a list of keys, and is answered with the seconds from the snapshot to the last look.
 */
import { setFlagsFromString } from 'node:v8'
import { DirectoryStore, type ObjectStore, S3Store } from '@repokeeper/object-store'
import { DiskCache, parseRepositoryRoot, realContext, reconcile } from '@repokeeper/repository'
import { type Answer, Keys, Order } from './warm-protocol.ts'

// As the launcher of the programs does (packages/cli/bin/launch.js, which says why).
setFlagsFromString('--semi-space-growth-factor=1')
await serve(Order.parse(JSON.parse(process.argv[2] ?? '')))

async function serve({ cache, root, store }: Order): Promise<void> {
  const location = { store: openStore(store), root: parseRepositoryRoot(root) }
  const disk = await DiskCache.open({ directory: cache, bytesMax: 2 ** 32 })
  const context = realContext({ cache: disk, onEvent: () => {} })
  const change = async (keys: ReadonlySet<string>): Promise<Answer> => {
    const startedAt = performance.now()
    const { verdicts, undecided } = await reconcile(location, keys, context)
    const seconds = (performance.now() - startedAt) / 1000
    const [left] = [...undecided].map(([key, error]) => `${key}: ${error}`)
    const [refused] = [...verdicts].flatMap(([key, verdict]) =>
      verdict.kind === 'refused' ? `${key}: ${verdict.reason}` : [],
    )
    const problem = left ?? refused
    return problem === undefined ? { kind: 'done', seconds } : { kind: 'failed', message: problem }
  }
  process.on('message', (message) => {
    change(new Set(Keys.parse(message)))
      .catch((error: unknown): Answer => ({ kind: 'failed', message: String(error) }))
      .then((answer) => process.send?.(answer))
  })
  process.once('disconnect', () => void location.store.close())
}

function openStore(store: Order['store']): ObjectStore {
  if (store.kind === 'directory') return new DirectoryStore(store.path)
  const { bucket, endpoint, accessKeyId } = store
  const credentials = { accessKeyId, secretAccessKey: 'anything' }
  return new S3Store({ bucket, endpoint, region: 'us-east-1', credentials })
}
