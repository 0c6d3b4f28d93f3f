/**
 * How old a suspicion must be before a watcher votes for death (Lifeguard, section IV.B): the more of the others agree
 * on their own, the shorter, on a logarithmic scale.
 *
 * @param confirmations other watchers who suspect it too
 * @param expected as many as make it certain
 */
export function suspicionMs(confirmations: number, expected: number, minMs: number, maxMs: number): number {
  if (confirmations >= expected) return minMs
  const agreed = Math.log(confirmations + 1) / Math.log(expected + 1)
  return Math.max(minMs, maxMs - (maxMs - minMs) * agreed)
}
