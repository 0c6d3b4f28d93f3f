/** Whether a proof was as quick as it is meant to be; the first run of one fetches, which says nothing about it. */

export function goalText(seconds: number, goalSeconds: number, hasFetched: boolean): string {
  const goal = `the goal of ${goalSeconds} s`
  if (seconds <= goalSeconds) return `${goal} is met`
  return hasFetched
    ? `${goal} is for a run that fetches nothing, and this one did`
    : `${goal} is missed: ${seconds.toFixed(0)} s`
}
