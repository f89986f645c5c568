// What the worker did and keeps, a table each.
// @ts-check
import { cell, none, number, outcome, table, time, why } from './elements.js'
import { duration, placeOf } from './words.js'

const outcomes = { settled: 'good', held: 'warn', failed: 'bad' }

/** @param {any[]} runs */
export function runTable(runs) {
  if (runs.length === 0) return [none('No run yet.')]
  return [
    table(
      ['Repository', 'Began', '#Added', '#Replaced', '#Removed', '#Refused', '#Took', 'Outcome'],
      runs.map((run) => [
        cell('th', { scope: 'row' }, run.repository, run.reason !== undefined && why(run.reason)),
        cell('td', {}, time(run.startedAt)),
        number(run.added, 'added'),
        number(run.replaced, 'replaced'),
        number(run.removed, 'removed'),
        number(run.refused, 'refused'),
        cell('td', { class: 'number' }, duration(run.durationMs / 1000)),
        cell('td', {}, outcome(run.outcome, /** @type {any} */ (outcomes)[run.outcome])),
      ]),
    ),
  ]
}

/** @param {any[]} refused */
export function refusedTable(refused) {
  if (refused.length === 0) return [none('Nothing was refused.')]
  return [
    table(
      ['Object', 'When', 'Code'],
      refused.map(({ at: when, key, code, reason }) => [
        cell('th', { scope: 'row' }, key, why(reason)),
        cell('td', {}, time(when)),
        cell('td', { class: 'code' }, code),
      ]),
    ),
  ]
}

/** @param {any[]} repositories */
export function repositoryTable(repositories) {
  if (repositories.length === 0) return [none('None was published or looked at yet.')]
  return [
    table(
      ['Repository', '#Packages', 'Revision', 'Published'],
      repositories.map((one) => [
        cell('th', { scope: 'row' }, placeOf(one)),
        number(one.packages, 'packages'),
        cell('td', { class: 'faint', 'data-what': 'revision' }, one.revision ?? '–'),
        cell('td', { 'data-what': 'of' }, time(one.publishedAt)),
      ]),
    ),
  ]
}

/** @param {any[]} jobs */
export function jobTable(jobs) {
  if (jobs.length === 0) return [none('None is switched on.')]
  return [
    table(
      ['Job', 'Every', 'Last', 'Next', 'Outcome'],
      jobs.map((job) => [
        cell('th', { scope: 'row' }, job.name, job.repository !== null && why(job.repository)),
        cell('td', { 'data-what': 'every' }, duration(job.intervalSeconds)),
        cell('td', { 'data-what': 'last' }, time(job.lastEndedAt ?? job.lastStartedAt)),
        cell('td', { 'data-what': 'next' }, time(job.nextAt)),
        cell('td', {}, job.isRunning ? outcome('running', '') : jobOutcome(job.lastOutcome)),
      ]),
    ),
  ]
}

/** @param {string | null | undefined} last */
function jobOutcome(last) {
  if (last === null || last === undefined) return outcome('not yet', '')
  return outcome(last, /fail|error/i.test(last) ? 'bad' : 'good')
}
