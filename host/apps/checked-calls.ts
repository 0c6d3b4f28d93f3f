/**
 * Calls of one component's functions by others, held against its types before they reach it: its glue makes something of
 * whatever it is given. Also answers what every app does: which functions it has, and calls that were written down.
 */
import type { ComponentFunctions } from '../engine/index.ts'
import { fits, shownFunction, shownType, valueProblems } from '../values/index.ts'
import { callTarget, exportedFunctions, type ExportedFunction } from './exported-functions.ts'
import { describeFunctions, performWritten, writtenInterface, type Returned } from './written-calls.ts'

/** Makes a call that was checked. @param target as a sandbox takes it */
type Perform = (target: string, args: readonly unknown[]) => Promise<Returned>

export class CheckedCalls {
  readonly #app: string
  readonly #functions: readonly ExportedFunction[]

  constructor(app: string, functions: ComponentFunctions | undefined) {
    this.#app = app
    this.#functions = exportedFunctions(functions)
  }

  /**
   * @param target `ns:pkg/iface@1.0.0#function`, the name alone of one that the world exports, or one of
   *   {@link writtenInterface}
   * @throws ERR_CALL_FUNCTION, ERR_CALL_ARGUMENTS, and what `perform` throws
   */
  async answer(target: string, args: readonly unknown[], perform: Perform): Promise<Returned> {
    const functions = this.#functions
    const checked = (called: ExportedFunction, values: readonly unknown[]): Promise<Returned> => {
      checkArguments(this.#app, called, values)
      return perform(called.target, values)
    }
    if (!target.startsWith(`${writtenInterface}#`))
      return checked(callTarget(this.#app, functions, target), args)
    if (target === `${writtenInterface}#list`)
      return { value: describeFunctions(functions), queueMs: 0, runMs: 0 }
    return performWritten(this.#app, functions, { target, args }, checked)
  }
}

/** @throws ERR_CALL_ARGUMENTS */
function checkArguments(
  app: string,
  { target, signature }: ExportedFunction,
  args: readonly unknown[],
): void {
  const { parameters } = signature
  const refuse = (what: string): Error =>
    valueProblems.error('ERR_CALL_ARGUMENTS', `${target} of ${app} ${what}`, {
      hint: `it is ${shownFunction(signature)}; whoever calls it was built for another one`,
    })
  if (args.length !== parameters.length)
    throw refuse(`takes ${parameters.length} arguments, and was given ${args.length}`)
  for (const [index, { name, type }] of parameters.entries()) {
    if (type === null) throw refuse(`takes ${name}, whose type cannot be told`)
    if (!fits(args[index], type))
      throw refuse(`takes ${name}, ${shownType(type)}, and was given something else`)
  }
}
