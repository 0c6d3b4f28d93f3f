/**
 * The generator of glue as a node runs it, by the baseline compiler alone: the optimising one takes an emulator a quarter of a
 * minute for it, more than most files of tests. What the tests themselves compile may still become hot.
 */
import { setFlagsFromString } from 'node:v8'
import type * as transpiler from '@bytecodealliance/jco-transpile/component'
import { baselineFlags, engineFlags } from '../../../core/engine-flags.ts'

const [, ...dynamic] = baselineFlags
const always = engineFlags(process.arch, Number.parseInt(process.versions.node, 10), [])
let loaded: typeof transpiler | null = null

/** As theirs: it begins as soon as somebody imports this. */
export const $init = load()

export const generate: typeof transpiler.generate = (...args) => {
  if (loaded === null) throw new TypeError('await $init first')
  return loaded.generate(...args)
}

async function load(): Promise<void> {
  for (const flag of baselineFlags) setFlagsFromString(flag)
  const module = await import('@bytecodealliance/jco-transpile/component')
  await module.$init
  loaded = module
  // The first of the flags stays: what has no dynamic tiers would begin to be optimised whole.
  for (const flag of dynamic) if (!always.includes(flag)) setFlagsFromString(flag.replace('--no-', '--'))
}
