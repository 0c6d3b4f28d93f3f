/** The budget of this node: what its owner said, or a part of what the machine has, and where that came from. */
import { memoryLimitBytes } from '../../core/index.ts'
import { automaticBudgetBytes, shareMemory, smallestBudgetBytes, type MemoryBudget } from './budget.ts'

export interface NodeBudget extends MemoryBudget {
  /** `limits.memory` of the node's TOML, or by itself. */
  readonly from: 'config' | 'machine'
  /** What the machine, or the control group around the node, has, bytes. */
  readonly limitBytes: number
}

/** @param asked bytes, or `auto`. @param limitBytes for tests */
export function nodeBudget(asked: number | 'auto', limitBytes: number = memoryLimitBytes()): NodeBudget {
  const from = asked === 'auto' ? 'machine' : 'config'
  const totalBytes = asked === 'auto' ? automaticBudgetBytes(limitBytes) : asked
  return { ...shareMemory(totalBytes), from, limitBytes }
}

/** Whether the machine has less than the budget takes for granted: the system may end the node then. */
export function isBeyondMachine({
  totalBytes,
  limitBytes,
}: Pick<NodeBudget, 'totalBytes' | 'limitBytes'>): boolean {
  return totalBytes > limitBytes
}

/** @returns why a number is no budget, or null */
export function budgetFault(bytes: number): string | null {
  return bytes >= smallestBudgetBytes
    ? null
    : `is too little for a node with one small app; write at least ${smallestBudgetBytes / 1024 / 1024} MiB, or "auto"`
}
