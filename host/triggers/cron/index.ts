/**
 * `kind = "cron"`: an event at the times of day that a cron line says. The line, its zone and its rule for runs that
 * were missed are decided in `schedule.ts`; here are the timer, and the note of what was done that a restart needs.
 */
import * as v from 'valibot'
import { messageOf, type Cancel } from '../../../core/index.ts'
import type { Payload, TriggerKind } from '../contract.ts'
import { said } from '../fields.ts'
import { triggerProblems } from '../problems.ts'
import { timerArgs, timerHandler, type TimerPayload } from '../timer/index.ts'
import { readCronLine } from './line.ts'
import { decideRuns, mostMissedRuns, type Run } from './schedule.ts'

const rules = ['skip', 'once', 'all'] as const
const line = v.pipe(v.string('is no text'), v.minLength(1, 'is empty; write a cron line, as "0 6 * * 1-5"'))
const zone = v.optional(v.pipe(v.string('is no text'), v.maxLength(64, 'is too long for a time zone')))
const missed = v.optional(v.picklist(rules, `is no rule; write "${rules.join('", "')}"`))

const options = v.pipe(
  v.strictObject({ line, zone, missed }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const read = readCronLine(dataset.value.line, dataset.value.zone)
    if (typeof read === 'function') return
    addIssue({
      message: `${JSON.stringify(dataset.value.line.slice(0, 80))} ${read.why}`,
      path: [{ type: 'object', origin: 'value', input: dataset.value, key: 'line', value: dataset.value }],
    })
  }),
)
type CronOptions = v.InferOutput<typeof options>

/** What is kept over a restart. */
const noteSchema = v.object({ doneMs: v.pipe(v.number(), v.safeInteger()) })

function doneOf(note: Payload): number | null {
  const read = v.safeParse(noteSchema, note)
  return read.success ? read.output.doneMs : null
}

export const cronTrigger: TriggerKind<CronOptions, TimerPayload> = {
  kind: 'cron',
  summary: 'an event at the times of a cron line, in a time zone, with a rule for missed runs',
  written: { line, zone, missed },
  toSpec: ({ line: text, zone: named, missed: rule }) =>
    said({ line: text, zone: named, missed: rule } as Record<string, string>),
  fromOption: (text) => ({ line: text }),
  options,
  handlers: [timerHandler],
  method: 'handle',
  delivery: 'at-least-once',
  requiredGrants: () => [],
  args: timerArgs,
  start({ line: text, zone: named, missed: rule = 'skip' }, { clock, memory, offer, failed }) {
    const runAfter = readCronLine(text, named)
    let cancel: Cancel | null = null
    let isStopped = false
    let doneMs: number | null = null
    let toldClock = false
    /** Runs that could not be put into the queue yet. */
    let pending: Run[] = []
    const tellClock = (isSet: boolean): void => {
      if (!isSet && !toldClock) {
        const message = `the clock of this node is not set, so "${text}" cannot run; it runs as soon as it is`
        failed(triggerProblems.error('ERR_TRIGGER_CLOCK', message))
      }
      toldClock = !isSet
    }
    const turn = async (): Promise<void> => {
      if (isStopped || typeof runAfter !== 'function') return
      const decision = decideRuns(runAfter, doneMs, clock.now(), rule)
      tellClock(decision.clockIsSet)
      const isNews = decision.doneMs !== doneMs
      doneMs = decision.doneMs
      pending = [...pending, ...decision.runs].slice(-mostMissedRuns)
      try {
        for (let run = pending[0]; run !== undefined; run = pending[0]) {
          // A run that is offered again after a crash, before the note of it was written, is known by its moment.
          await offer({ payload: { schedule: text, ...run }, unique: `${text} ${run.timeMs}` })
          pending.shift()
          if (isStopped) return
        }
        if (isNews && rule !== 'skip' && doneMs !== null) await memory.write({ doneMs })
      } catch (error) {
        failed(
          triggerProblems.error('ERR_TRIGGER_EVENT', `a run of "${text}" was not taken: ${messageOf(error)}`),
        )
      }
      if (!isStopped && decision.waitMs !== null) cancel = clock.after(decision.waitMs, () => void turn())
    }
    const begin = async (): Promise<void> => {
      if (rule !== 'skip') doneMs = doneOf(await memory.read())
      await turn()
    }
    void begin()
    return {
      stop() {
        isStopped = true
        cancel?.()
      },
    }
  },
}
