import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DirectoryStore, readBody } from '../src/index.ts'

// A process of the crash test. Each of its lanes appends its name and a number to one object by compare-and-swap, `times` times or until
// the process is killed, and notes in a file of its own what it knows to be stored.
const [directory = '', journals = '', name = '', times = '0'] = process.argv.slice(2)

// All begin together, or there is nothing to collide with.
writeFileSync(join(journals, `ready-${name}`), '')
while (!existsSync(join(journals, 'go'))) await sleep(5)
await Promise.all([1, 2, 3].map((lane) => append(`${name}${lane}`)))

async function append(lane: string): Promise<void> {
  const store = new DirectoryStore(directory)
  for (let added = 0; added < Number(times); ) {
    const outcome = await store.get('sub/log')
    if (outcome.kind !== 'found') throw new Error(outcome.kind)
    const after = Buffer.concat([await readBody(outcome.body, 1_000_000), Buffer.from(`${lane}:${added};`)])
    const written = await store.put('sub/log', after, { if: 'unchanged', etag: outcome.head.etag })
    if (written.kind === 'conflict') continue
    appendFileSync(join(journals, lane), `${lane}:${added};`)
    added++
  }
}
