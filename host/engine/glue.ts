/**
 * Tightens the glue that jco generates: strings and lists are checked as the canonical ABI demands, handles that do
 * not exist trap, and where a component is one core program without asynchronous functions, the bookkeeping of
 * asynchronous tasks goes (some ten objects per call, kept until the outermost call returns).
 *
 * Text in, text out: what does not match exactly stays as the generator wrote it.
 */
import { letGo } from './glue-async.ts'
import { always, bounds, createdReps, plain } from './glue-rewrites.ts'
import { rewrite, withoutCalls } from './glue-pattern.ts'
import { prune } from './glue-pruning.ts'

export interface TightGlue {
  readonly text: string
  /** Whether the bookkeeping is gone; such glue also tells its tables of handles (see `guest/restore.ts`). */
  readonly plain: boolean
  /** How often each rewrite applied, by its name. */
  readonly applied: ReadonlyMap<string, number>
}

/** What would still need the bookkeeping, or an object that stands for no handle. */
const needsTasks =
  /getOrCreateAsyncState|\btask\b|Task\b|TaskMeta\b|_lowerImport|_suspendingImport|\.Suspending\b|_trackHostOperation|\binstanceFlags1\b|captureTable\d+\.get\(rep\d|curResourceBorrows\.push|_createdReps\.has/

export function tighten(glue: string): TightGlue {
  const applied = new Map<string, number>()
  const count = (name: string, times: number): void => {
    applied.set(name, (applied.get(name) ?? 0) + times)
  }
  const quiet = withoutCalls(glue, '_debugLog')
  count('debug log', quiet.count)
  let text = quiet.text
  for (const item of always) {
    const result = rewrite(text, item)
    count(item.name, result.count)
    text = result.text
  }
  const lowered = withoutLowering(text)
  let simple = lowered.text
  const simpleApplied: [string, number][] = [['import lowering', lowered.count]]
  for (const item of plain) {
    const result = rewrite(simple, item)
    simpleApplied.push([item.name, result.count])
    simple = result.text
  }
  const begin = simple.indexOf('_initGenerator')
  const body = simple.slice(begin, simple.indexOf('let promise, resolve, reject;', begin))
  if (begin < 0 || needsTasks.test(body) || simple.includes('_createdReps.has(')) {
    for (const item of [...bounds, ...letGo]) {
      const result = rewrite(text, item)
      count(item.name, result.count)
      text = result.text
    }
    if (!text.includes('_createdReps.has(')) text = rewrite(text, createdReps).text
    return { text: prune(text).text, plain: false, applied }
  }
  for (const [name, times] of simpleApplied) count(name, times)
  return { text: prune(simple).text, plain: true, applied }
}

/**
 * Lets core modules call the trampolines themselves, where the wrapper in between is for synchronous functions on
 * both sides.
 */
function withoutLowering(text: string): { text: string; count: number } {
  let count = 0
  const result = text.replace(
    /^( *)let trampoline(\d+) = _trampoline\2\.manuallyAsync \? [^]*?\n\1\);\n/gm,
    (block, indent: string, index: string) => {
      if (
        /(?:isAsync|funcTypeIsAsync|isCancellable): true|get(?:Callback|PostReturn)Fn: (?!\(\) => null)/.test(
          block,
        )
      )
        return block
      count += 1
      return `${indent}let trampoline${index} = _trampoline${index};\n`
    },
  )
  return { text: result, count }
}
