/**
 * Before each test file: many share a process, so each leaves it as it has found it, whatever its tests did to environment, clock and spies.
 */
import { afterAll, vi } from 'vitest'

const directory = process.cwd()
const environment = { ...process.env }

afterAll(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  if (process.cwd() !== directory) process.chdir(directory)
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
})
