/**
 * People and their CI: packages are uploaded, replaced and deleted, one by one and in bursts.
 */
import type { S3Store } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { pause } from './fleet.ts'
import type { Chance } from './random.ts'

/** The repositories, and how keys lie in them. */
export const repositories = ['el9/x86_64/', 'fedora/'] as const
const keyOf: Readonly<Record<(typeof repositories)[number], (name: string) => string>> = {
  'el9/x86_64/': (name) => `el9/x86_64/Packages/${name[0]}/${name}.noarch.rpm`,
  'fedora/': (name) => `fedora/${name}.noarch.rpm`,
}

export interface LoadFigures {
  uploads: number
  replacements: number
  deletions: number
}

/** File names of each repository: few, so that the same is changed again while its last change is still under way. */
const namesMax = 80

/** Changes both repositories until it is told to stop. Each change is one notification. */
export class Load {
  readonly figures: LoadFigures = { uploads: 0, replacements: 0, deletions: 0 }
  readonly #store: S3Store
  readonly #chance: Chance
  readonly #there = new Set<string>()
  #version = 0

  constructor(store: S3Store, chance: Chance) {
    this.#store = store
    this.#chance = chance
  }

  get events(): number {
    const { uploads, replacements, deletions } = this.figures
    return uploads + replacements + deletions
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const burst = this.#chance.happens(0.05) ? this.#chance.below(20) + 5 : 1
      await Promise.all(Array.from({ length: burst }, () => this.#change()))
      await pause(this.#chance.between(0, 200), signal)
    }
  }

  async #change(): Promise<void> {
    const repository = this.#chance.pick(repositories)
    const name = `${this.#chance.pick(['harbour', 'quay', 'tide', 'buoy'])}-${this.#chance.below(namesMax / 4)}`
    const key = keyOf[repository](name)
    // The same key twice in one burst: which comes last is the store's to say.
    if (this.#there.has(key) && this.#chance.happens(0.35)) {
      this.#there.delete(key)
      this.figures.deletions += 1
      await this.#store.delete(key)
      return
    }
    this.figures[this.#there.has(key) ? 'replacements' : 'uploads'] += 1
    this.#there.add(key)
    this.#version += 1
    const files = Array.from({ length: this.#chance.below(20) }, (_, at) => ({ path: `/usr/share/${name}/${at}` }))
    const bytes = buildPackage({ name, version: String(this.#version), requires: ['bash >= 5'], files })
    await this.#store.put(key, bytes, { if: 'always' })
  }
}
