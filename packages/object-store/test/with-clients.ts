import type { ObjectStore } from '../src/index.ts'
import type { StoreUnderTest } from './contract.ts'

/** So many clients of one storage at once. */
export async function withClients(
  under: StoreUnderTest,
  count: number,
  work: (client: ObjectStore, number: number) => Promise<void>,
): Promise<void> {
  const clients = Array.from({ length: count }, () => under.another())
  try {
    await Promise.all(clients.map(work))
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}
