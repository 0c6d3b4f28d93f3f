/** The node's memory budget against the machine, and what of it is promised to apps. */
import { isBeyondMachine, nodeBudget, type NodeBudget } from '../../budget/index.ts'
import { loadNodeConfig } from '../../config/index.ts'
import type { MemoryReport } from '../../api/index.ts'
import type { Check, Finding } from '../contract.ts'

const mib = 1024 * 1024
/** From here on the next app may not fit. */
const nearlyAll = 0.9

/** @param budget of a node that runs, or would be started */
export function judgeBudget(budget: Pick<NodeBudget, 'totalBytes' | 'from' | 'limitBytes'>): Finding {
  const whole = `${text(budget.totalBytes)} of ${text(budget.limitBytes)}`
  const why = budget.from === 'config' ? 'as [limits] memory says' : 'by itself'
  if (!isBeyondMachine(budget))
    return { level: 'fine', what: `the node and its apps may take ${whole}, ${why}` }
  return {
    level: 'wrong',
    code: 'ERR_DOCTOR_MEMORY',
    what: `the node and its apps may take ${text(budget.totalBytes)}, and this machine has ${text(budget.limitBytes)} for them`,
    fix:
      budget.from === 'config'
        ? `write less under [limits] memory, or \`memory = "auto"\``
        : 'this is less than a node with one small app takes: expect the system to end it when memory is short',
  }
}

/** What is promised to apps of the share that is for them. */
export function judgePromised({ shares, apps }: Pick<MemoryReport, 'shares' | 'apps'>): Finding {
  const room = shares['apps'] ?? 0
  const promised = apps.reduce((sum, { bytes }) => sum + bytes, 0)
  const what = `${text(promised)} of the ${text(room)} for apps are promised to ${apps.length}`
  if (promised < room * nearlyAll) return { level: 'fine', what }
  return {
    level: 'note',
    what,
    fix: 'the next app may not fit: raise `memory` under [limits] of the node’s TOML, or lower it in an app’s selvedge.toml',
  }
}

function text(bytes: number): string {
  return `${Math.round(bytes / mib)} MiB`
}

export const memoryCheck: Check = {
  name: 'memory',
  summary: 'the memory that the node and its apps may take',
  async run({ node, config }) {
    const memory = node?.status.memory
    if (memory !== undefined) {
      const { budgetBytes: totalBytes, from, limitBytes } = memory
      return [judgeBudget({ totalBytes, from, limitBytes }), judgePromised(memory)]
    }
    // What is wrong with the file is another check's to say.
    const limits = await loadNodeConfig(config).then(
      (found) => found.limits,
      () => null,
    )
    return [judgeBudget(nodeBudget(limits?.memory ?? 'auto'))]
  },
}
