/**
 * What every app answers beside its own functions: which these are, and calls with arguments that were written down, by
 * a person or a guest. Only the node that runs the component knows its types, so that text is read and written there.
 */
import * as v from 'valibot'
import { plainLines } from '../../core/index.ts'
import { signatureSchema, WitError, type WitShape } from '../engine/index.ts'
import { readArguments, readText, toJson, valueProblems, waveText } from '../values/index.ts'
import { callTarget, type ExportedFunction } from './exported-functions.ts'

export interface Returned {
  readonly value: unknown
  /** That it waited for an instance, and that this one took, ms. */
  readonly queueMs: number
  readonly runMs: number
}

/** Of no component: what the node answers in its place. `#list` takes nothing; `#call` a {@link WrittenCall}. */
export const writtenInterface = 'selvedge:node/functions@0.1.0'

/** Of arguments written down: as large as a value may be when it travels. */
const maxTextChars = 1_048_576
const maxWords = 64
/** As many as the node that prepares a component takes down. */
const maxDescribed = 512
const maxDocsChars = 4_000

const words = v.pipe(
  v.array(
    v.object({
      name: v.nullable(v.pipe(v.string(), v.maxLength(128))),
      text: v.pipe(v.string(), v.maxLength(maxTextChars)),
    }),
  ),
  v.maxLength(maxWords),
)
const writtenCall = v.object({
  /** A target, or one of its short forms. */
  function: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  arguments: v.union([v.pipe(v.string(), v.maxLength(maxTextChars)), words]),
  form: v.picklist(['wave', 'json']),
})

export type WrittenCall = v.InferOutput<typeof writtenCall>

const writtenAnswer = v.object({
  target: v.string(),
  /** Whether it is the function's own error. */
  isError: v.boolean(),
  /** Empty where the function returns nothing. */
  text: v.string(),
})

export type WrittenAnswer = v.InferOutput<typeof writtenAnswer>

const name = v.pipe(v.string(), v.maxLength(512))
const docs = v.optional(v.pipe(v.string(), v.maxLength(maxDocsChars), v.transform(plainLines)))
const describedFunction = v.object({
  target: name,
  interface: name,
  name,
  signature: signatureSchema,
  docs,
  /** Of the interface; with its first function alone. */
  about: docs,
})
const description = v.pipe(v.array(describedFunction), v.maxLength(maxDescribed))

export type DescribedFunction = v.InferOutput<typeof describedFunction>

/** What `#list` answers. */
export function describeFunctions(functions: readonly ExportedFunction[]): readonly DescribedFunction[] {
  return functions.map(({ docs: said, about, ...told }) => ({
    ...told,
    // A field without a value would travel as one.
    ...(said !== undefined && { docs: said }),
    ...(about !== undefined && { about }),
  }))
}

/** What a node said, which may be another one. @throws valibot's error for what is no such answer */
export function readWrittenAnswer(value: unknown): WrittenAnswer {
  return v.parse(writtenAnswer, value)
}

/** As {@link readWrittenAnswer}. */
export function readDescription(value: unknown): DescribedFunction[] {
  return v.parse(description, value)
}

/** @throws ERR_CALL_FUNCTION, ERR_CALL_ARGUMENTS, and what `perform` throws but the function's own error */
export async function performWritten(
  app: string,
  functions: readonly ExportedFunction[],
  { target, args }: { readonly target: string; readonly args: readonly unknown[] },
  perform: (called: ExportedFunction, args: readonly unknown[]) => Promise<Returned>,
): Promise<Returned> {
  const parsed = v.safeParse(writtenCall, args[0])
  if (target !== `${writtenInterface}#call` || !parsed.success) {
    throw valueProblems.error('ERR_CALL_ARGUMENTS', `${app} was asked for something that is no call`, {
      hint: 'run the same version of Selvedge on both nodes',
    })
  }
  const { function: name, arguments: written, form } = parsed.output
  const called = callTarget(app, functions, name)
  const { signature } = called
  const values =
    typeof written === 'string'
      ? readText(called.target, signature, written, form)
      : readArguments(called.target, signature, written)
  const result = signature.result
  const [ok, err] = result?.kind === 'result' ? [result.ok, result.err] : [result, null]
  const answer = (isError: boolean, value: unknown, type: WitShape | null): WrittenAnswer => ({
    target: called.target,
    isError,
    text: value === undefined && type === null ? '' : textOf(value, type, form),
  })
  try {
    const { value, ...times } = await perform(called, values)
    return { value: answer(false, value, ok), ...times }
  } catch (error) {
    if (!(error instanceof WitError)) throw error
    return { value: answer(true, error.payload, err), queueMs: 0, runMs: 0 }
  }
}

function textOf(value: unknown, type: WitShape | null, form: 'wave' | 'json'): string {
  return form === 'wave' ? waveText(value, type) : JSON.stringify(toJson(value, type))
}
