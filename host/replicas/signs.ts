/** What is wrong with stores that this node shares, in the words of `status`. */
import type { GroupStoreReport } from './group-replicas.ts'
import { replicasProblems } from './problems.ts'
import { mostAheadMs } from '../storage/index.ts'
import { replicaLimits } from './messages.ts'

/** At a start a day of each of ten nodes, the rest lasts for a year. */
const livesBefore = Math.floor(replicaLimits.replicas * 0.75)

interface StoreProblem {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** @param nameOf a node by its id, as a person knows it */
export function storeProblems(
  reports: readonly GroupStoreReport[],
  nameOf: (id: string) => string,
): StoreProblem[] {
  const ahead = reports.find(({ aheadMs }) => aheadMs > mostAheadMs)
  const clock =
    ahead === undefined
      ? []
      : [
          replicasProblems.error(
            'ERR_GROUP_CLOCK_AHEAD',
            `this node’s clock is ${Math.round(ahead.aheadMs / 1_000)} s ahead of ${groupText(ahead)}`,
          ),
        ]
  const errors = [...clock, ...reports.flatMap((report) => problemsOf(report, nameOf))]
  return errors.map(({ code, message, hint }) => ({ code, message, hint }))
}

function problemsOf(
  report: GroupStoreReport,
  nameOf: (id: string) => string,
): ReturnType<typeof replicasProblems.error>[] {
  const { app, clamped, clampedFrom, isFull, lives, failure, held } = report
  return [
    ...(clampedFrom === null
      ? []
      : [
          replicasProblems.error(
            'ERR_GROUP_CLOCK_AHEAD',
            `${app}: ${clamped} writes came with the time of a clock that is ahead, the last from ${nameOf(clampedFrom)}`,
          ),
        ]),
    ...(isFull
      ? [
          replicasProblems.error(
            'ERR_GROUP_STORE_FULL',
            `${app}: the store that it shares with ${groupText(report)} holds ${held?.bytes ?? 0} bytes here and takes no more`,
          ),
        ]
      : []),
    ...(lives < livesBefore
      ? []
      : [
          replicasProblems.error(
            'ERR_GROUP_STORE_LIVES',
            `${app}: the nodes of ${groupText(report)} were started and wrote ${lives} times; ${replicaLimits.replicas} are the most`,
          ),
        ]),
    ...(failure === null ? [] : [replicasProblems.error('ERR_GROUP_STORE_FAILED', `${app}: ${failure}`)]),
  ]
}

function groupText({ group }: GroupStoreReport): string {
  return group === '' ? 'nodes of no group' : `the group ${group}`
}
