/** Expects that a command fails. @returns everything that it printed */
export async function failureOutput(running: Promise<unknown>): Promise<string> {
  const outcome = await running.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome === undefined) throw new Error('it succeeded')
  if (!(outcome instanceof Error && 'stdout' in outcome && 'stderr' in outcome)) throw outcome
  return `${outcome.stdout}${outcome.stderr}`
}
