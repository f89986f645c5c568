/** How a command's outcomes are called, in the order in which they are told. */
export interface OutcomeKinds<Kind extends string> {
  /** What was done to the bucket: a dry run has not done it. */
  readonly changes: readonly Kind[]
  readonly others: readonly Kind[]
}

/**
 * The line under what became of each package: `s3://b/el9/: 2 added, 1 skipped`.
 *
 * @param name of the repository
 */
export function changeSummary<Kind extends string>(
  name: string,
  outcomes: readonly { readonly kind: Kind }[],
  { changes, others }: OutcomeKinds<Kind>,
  { dryRun }: { readonly dryRun: boolean },
): string {
  const counts = [...changes, ...others].flatMap((kind) => {
    const number = outcomes.filter((outcome) => outcome.kind === kind).length
    return number === 0 ? [] : [`${number} ${dryRun && changes.includes(kind) ? 'would be ' : ''}${kind}`]
  })
  return `${name}: ${counts.join(', ')}${dryRun ? ' (dry run: nothing was changed)' : ''}`
}
