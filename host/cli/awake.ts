/**
 * Keeps the process alive while a command runs. The timers of a clock do not: where all that is waited for is a peer that
 * has gone silent or a connection that is closed already, Node.js would end the program with code 13 and not a word,
 * before the deadline of the wait can say why.
 */

/** Does `work`; what it returns or throws is its own. */
export async function awake<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 60_000)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
