/** The node's memory as `status` and the metrics show it. */
import type { MemoryReport } from '../api/index.ts'
import type { NodeBudget } from '../budget/index.ts'
import type { Engine } from '../engine/index.ts'

export function memoryReport(
  { totalBytes, from, limitBytes, shares }: NodeBudget,
  { memory }: Pick<Engine, 'memory'>,
): MemoryReport {
  return { budgetBytes: totalBytes, from, limitBytes, shares, apps: memory.held }
}
