/**
 * Packages that do not exist, with names and texts like those that do: what the pages are looked at with.
 */
import type { PackageSpec } from '@repokeeper/rpm-parser/testing'

/** A name, and what it is. */
const projects: readonly (readonly [string, string])[] = [
  ['almanac', 'Calendar of tides, moons and public holidays'],
  ['anchorage', 'Service discovery for small clusters'],
  ['bellows', 'Load generator for HTTP and gRPC services'],
  ['binnacle', 'Terminal dashboard for system metrics'],
  ['bowline', 'Knot-free configuration merging'],
  ['breakwater', 'Rate-limiting reverse proxy'],
  ['capstan', 'Job scheduler with retries and back-off'],
  ['cartographer', 'Draws maps of network traffic'],
  ['chandlery', 'Inventory of installed software across hosts'],
  ['dinghy', 'Tiny container runtime for tests'],
  ['drydock', 'Reproducible build environments'],
  ['ebbtide', 'Log rotation and archiving'],
  ['fathom', 'Full-text search engine for source trees'],
  ['foghorn', 'Alert router for chat, mail and pagers'],
  ['gangway', 'Zero-downtime deployment helper'],
  ['gimbal', 'Keeps clocks of many machines level'],
  ['halyard', 'Release pipeline for RPM packages'],
  ['harbour', 'Gateway that keeps long connections alive'],
  ['hawser', 'Encrypted tunnels between sites'],
  ['keelson', 'Key-value store with snapshots'],
  ['lanyard', 'Secrets handed to processes, not to files'],
  ['lighthouse-keeper', 'Watches certificates before they expire'],
  ['logbook', 'Structured logging for shell scripts'],
  ['mainsail', 'Message broker with at-least-once delivery'],
  ['mooring', 'Mounts remote directories on demand'],
  ['narrows', 'Traffic shaping from one policy file'],
  ['outrigger', 'Sidecar that adds tracing to anything'],
  ['pilotage', 'Guided upgrades of running systems'],
  ['plimsoll', 'Capacity planning from recorded load'],
  ['quayside', 'Artifact store with a plain HTTP interface'],
  ['ratline', 'Step-by-step migration of databases'],
  ['rudder', 'Feature flags without a server'],
  ['scuttle', 'Backs up and verifies object storage'],
  ['sextant', 'Geodesy library and command-line tools'],
  ['soundings', 'Time-series database for sensors'],
  ['spyglass', 'Interactive viewer for packet captures'],
  ['tidewater', 'Streaming joins over change feeds'],
  ['tiller', 'Remote control of fleets of machines'],
  ['undertow', 'Finds slow queries and who sends them'],
  ['windlass', 'Parallel runner for long test suites'],
]

const kinds: readonly (readonly [suffix: string, what: string | undefined])[] = [
  ['', undefined],
  ['-libs', 'Shared libraries of'],
  ['-devel', 'Headers and development files of'],
  ['-doc', 'Manual and examples of'],
]

const daySeconds = 86_400
/** 2026-11-20 09:12 UTC. */
const newestBuild = 1_795_165_920

/** Some two hundred packages of a hundred and sixty names, well mixed. The same each time. */
export function samplePackages(): PackageSpec[] {
  const packages = projects.flatMap(([project, summary], number) => {
    const versions =
      number % 4 === 0
        ? [`${1 + (number % 3)}.${number % 7}.2`, `${1 + (number % 3)}.${number % 7}.0`]
        : [`${number % 5}.${number % 9}.1`]
    return versions.flatMap((version, age) =>
      kinds.map(([suffix, what]) =>
        packageOf(project, suffix, what === undefined ? summary : `${what} ${project}`, version, number * 2 + age * 40),
      ),
    )
  })
  // 83 has no factor in common with their number: each comes once.
  return packages.flatMap((_, number) => packages[(number * 83) % packages.length] ?? [])
}

function packageOf(project: string, suffix: string, summary: string, version: string, days: number): PackageSpec {
  const name = `${project}${suffix}`
  const own = suffix === '' ? [`${project}-libs = ${version}-1.el9`, 'systemd', 'openssl-libs >= 1:3.0'] : []
  return {
    name,
    version,
    release: '1.el9',
    arch: suffix === '-doc' ? 'noarch' : 'x86_64',
    summary,
    description: `${summary}.\n\n${project} runs unattended, says what it does in plain logs, and is set up by one file.\nNothing has to be compiled, and an upgrade needs no restart of\nthe services that it looks after.\n\n- starts in milliseconds\n- needs no database\n- speaks HTTP and JSON`,
    license: 'Apache-2.0',
    url: `https://example.org/${project}/`,
    vendor: 'Example Packages',
    buildTime: newestBuild - days * daySeconds,
    requires: ['glibc >= 2.34', ...own],
    files: filesOf(project, suffix),
    changelogs: [
      {
        time: newestBuild - days * daySeconds,
        author: `Ada Merchant <ada@example.org> - ${version}-1`,
        text: `- Update to ${version}\n- Close connections that nobody answers`,
      },
      {
        time: newestBuild - (days + 60) * daySeconds,
        author: 'Jo Pilot <jo@example.org> - 0.9-2',
        text: '- Rebuild for EL 9',
      },
    ],
  }
}

function filesOf(project: string, suffix: string): NonNullable<PackageSpec['files']> {
  const directory = (path: string) => ({ path, mode: 0o40755 })
  switch (suffix) {
    case '-libs':
      return [{ path: `/usr/lib64/lib${project}.so.1`, content: 'library' }]
    case '-devel':
      return [directory(`/usr/include/${project}`), { path: `/usr/include/${project}/${project}.h`, content: 'header' }]
    case '-doc':
      return [
        directory(`/usr/share/doc/${project}`),
        { path: `/usr/share/doc/${project}/manual.html`, content: 'manual' },
      ]
    default:
      return [
        { path: `/etc/${project}.conf`, content: 'settings' },
        { path: `/usr/bin/${project}`, content: 'program', mode: 0o100755 },
        { path: `/usr/lib/systemd/system/${project}.service`, content: 'unit' },
        directory(`/var/lib/${project}`),
      ]
  }
}
