import { expect, it } from 'vitest'
import { describeWithClients } from '../../fixtures/describe-with-clients.ts'
import { orInSoak } from '../../fixtures/soak.ts'
import { killTest } from './kill-test.ts'

describeWithClients(['createrepo_c', 'dnf'], orInSoak('the kill test, a short one', 'the kill test'), () => {
  it('loses nothing, and no client ever sees anything that is not whole', async () => {
    const { failures, lost, fleet, events, readers } = await killTest({ seconds: orInSoak(12, 180), seed: 20_261_121 })
    expect(failures).toEqual([])
    expect(lost).toBe(0)
    // Something was at stake.
    expect(fleet.kills).toBeGreaterThan(0)
    expect(fleet.publishes).toBeGreaterThan(0)
    expect(events).toBeGreaterThan(0)
    expect(readers.reads).toBeGreaterThan(0)
    expect(readers.dnfRuns).toBeGreaterThan(0)
  }, 1_800_000)
})
