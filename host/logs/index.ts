/** The public face of host/logs: what apps have said, kept on the disk, and read on several nodes at once. */
export {
  gatherLogs,
  type GatheringNeeds,
  type LogEvent,
  type LogNode,
  type LogNotice,
  type LogQuery,
} from './gathering.ts'
export { Journal, openJournal, type SaidLine } from './journal.ts'
export { logFolder } from './log-disk.ts'
export { logProblems } from './problems.ts'
