/** What an instance of an app takes beside its memory: what the ledger counts, and what placement reckons with. */

const mib = 1024 * 1024

/** Bytes by isolation; measured 9 to 12 MB for a thread or a process, 1 MB in a shared thread. */
export const sandboxBytes = {
  worker: 10 * mib,
  process: 12 * mib,
  shared: 1 * mib,
} as const
