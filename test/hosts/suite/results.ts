/** A file's tasks, as the runner leaves them, as a flat list of results. */
import type { RunnerTask, RunnerTestFile } from 'vitest'
import type { TestResult } from './protocol.ts'

const messageChars = 600

export function resultsOf(file: RunnerTestFile): TestResult[] {
  const failed = errorsOf(file).map((message): TestResult => ({ name: '(file)', state: 'fail', message }))
  return [...failed, ...file.tasks.flatMap((task) => resultsBelow(task, []))]
}

function resultsBelow(task: RunnerTask, around: readonly string[]): TestResult[] {
  const names = [...around, task.name]
  const name = names.join(' > ')
  if (task.type === 'suite') {
    const failed = errorsOf(task).map((message): TestResult => ({ name, state: 'fail', message }))
    return [...failed, ...task.tasks.flatMap((child) => resultsBelow(child, names))]
  }
  if (task.result?.state === 'pass') return [{ name, state: 'pass' }]
  if (task.mode === 'skip' || task.mode === 'todo' || task.result?.state === 'skip')
    return [{ name, state: 'skip' }]
  return [{ name, state: 'fail', message: errorsOf(task).join('\n') || 'it did not run' }]
}

function errorsOf({ result }: RunnerTask): string[] {
  return (result?.errors ?? []).map(({ message, stack }) =>
    `${message}\n${stack ?? ''}`.slice(0, messageChars),
  )
}
