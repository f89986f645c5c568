/**
 * One entry of provides, requires or their like, as metadata writes it and as people read it.
 */
import { cutText } from './cut-text.ts'

export interface DependencyDetail {
  readonly name: string
  /** `LT`, `GT`, `EQ`, `LE`, `GE`, as it is written; with it the version is meant. */
  readonly flags?: string | undefined
  readonly epoch?: string | undefined
  readonly version?: string | undefined
  readonly release?: string | undefined
}

/** @param charactersMax of each part */
export function readDependency(attributes: ReadonlyMap<string, string>, charactersMax: number): DependencyDetail {
  const value = (name: string): string | undefined => {
    const text = attributes.get(name)
    return text === undefined ? undefined : cutText(text, charactersMax)
  }
  const flags = value('flags')
  const version = { epoch: value('epoch'), version: value('ver'), release: value('rel') }
  return { name: value('name') ?? '', ...(flags === undefined ? {} : { flags, ...version }) }
}

const comparisons: Readonly<Record<string, string>> = { LT: '<', LE: '<=', EQ: '=', GE: '>=', GT: '>' }

/** `glibc >= 2.34`, as rpm writes it. */
export function formatDependency({ name, flags, epoch, version, release }: DependencyDetail): string {
  const sign = comparisons[flags ?? '']
  if (sign === undefined || version === undefined) return name
  const withEpoch = epoch === undefined || epoch === '0' ? version : `${epoch}:${version}`
  return `${name} ${sign} ${withEpoch}${release === undefined ? '' : `-${release}`}`
}
