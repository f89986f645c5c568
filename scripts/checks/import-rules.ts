/**
 * Which workspace may import what: ARCHITECTURE.md's layers as a table. Imports run downwards only:
 * `cli`, `worker` → `repository` → `object-store`, `site` → `repodata` → `rpm-parser`; `signing` → `rpm-parser`.
 */

const network = ['dgram', 'dns', 'http', 'http2', 'https', 'net', 'quic', 'tls']
const onlyComputes = ['assert', 'buffer', 'crypto', 'string_decoder', 'util', 'zlib']

export interface WorkspaceRule {
  /** The workspaces of ours that its sources may import; its tests may, besides, import `forTests`. */
  readonly ours: readonly string[]
  /** What the rule is for, as the report says it. */
  readonly because: string
  /** Node's own modules, without `node:` and without what follows a `/`. */
  readonly nodeModules?: { readonly only: readonly string[] } | { readonly not: readonly string[] }
  /** Packages of others. Absent: whatever its package.json names. */
  readonly packages?: { readonly only: readonly string[] } | { readonly not: RegExp }
}

/** Keyed by the folder's name under packages/. A workspace that has no row here fails the check. */
export const workspaceRules: Readonly<Record<string, WorkspaceRule>> = {
  'rpm-parser': {
    ours: [],
    because: 'rpm-parser knows nothing but bytes',
    nodeModules: { only: onlyComputes },
    packages: { only: [] },
  },
  repodata: {
    ours: ['rpm-parser'],
    because: 'repodata knows neither S3 nor the network',
    nodeModules: { not: network },
    packages: { not: /^@aws-sdk\/|^@smithy\// },
  },
  signing: {
    ours: ['rpm-parser'],
    because: 'signing knows packages and keys, and stores nothing',
    nodeModules: { not: network },
    packages: { only: ['openpgp'] },
  },
  site: {
    ours: ['repodata', 'rpm-parser'],
    because: 'site makes pages of metadata, and stores nothing',
    nodeModules: { only: [...onlyComputes, 'fs'] },
    packages: { only: [] },
  },
  'object-store': { ours: [], because: 'object-store stores bytes, whatever they mean' },
  repository: {
    ours: ['object-store', 'site', 'repodata', 'rpm-parser'],
    because: 'repository is below the commands, and reaches storage through object-store only',
    packages: { not: /^@aws-sdk\/|^@smithy\// },
  },
  transfer: {
    ours: ['repository', 'signing', 'object-store', 'repodata', 'rpm-parser'],
    because: 'transfer takes whole repositories from elsewhere, and is below the commands',
    packages: { not: /^@aws-sdk\/|^@smithy\// },
  },
  door: {
    ours: ['repository', 'object-store', 'rpm-parser'],
    because: 'door is HTTP in front of a store, knows no queue, and is below the commands',
    packages: { not: /^@aws-sdk\/|^@smithy\// },
  },
  worker: {
    ours: ['repository', 'signing', 'site', 'object-store', 'repodata', 'rpm-parser'],
    because: 'nothing imports cli',
  },
  cli: {
    ours: ['worker', 'door', 'transfer', 'repository', 'signing', 'object-store', 'repodata', 'rpm-parser'],
    because: 'local-cloud is for tests and the demo',
  },
  simulation: {
    ours: ['worker', 'repository', 'object-store', 'repodata', 'rpm-parser'],
    because: 'simulation stands for everything that is outside',
    nodeModules: { not: [...network, 'fs'] },
  },
  'local-cloud': { ours: [], because: 'local-cloud stands for services that know nothing of repokeeper' },
}

/** Workspaces that any test may import. */
export const forTests: readonly string[] = ['local-cloud']
