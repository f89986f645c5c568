/** What the workers measure. The one place where the tests of dashboards and alarms have it from. */
export const metricsCatalogue = [
  { name: 'repokeeper.heartbeat', kind: 'count' },
  { name: 'repokeeper.packages.added', kind: 'count' },
  { name: 'repokeeper.packages.replaced', kind: 'count' },
  { name: 'repokeeper.packages.removed', kind: 'count' },
  { name: 'repokeeper.packages.refused', kind: 'count' },
  { name: 'repokeeper.publish.seconds', kind: 'histogram' },
  { name: 'repokeeper.event_to_published.seconds', kind: 'histogram' },
  { name: 'repokeeper.conflicts', kind: 'count' },
  { name: 'repokeeper.unreadable', kind: 'count' },
  { name: 'repokeeper.messages_held', kind: 'gauge' },
  { name: 'repokeeper.last_success_timestamp.seconds', kind: 'gauge' },
  { name: 'repokeeper.upkeep_failures', kind: 'count' },
] as const
