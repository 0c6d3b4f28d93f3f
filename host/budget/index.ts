/** The public face of the memory budget: one number shared out among what takes memory, and what the shares mean. */
export {
  automaticBudgetBytes,
  shareMemory,
  shareNames,
  smallestBudgetBytes,
  type MemoryBudget,
  type ShareName,
} from './budget.ts'
export { budgetFault, isBeyondMachine, nodeBudget, type NodeBudget } from './node-budget.ts'
export { sandboxBytes } from './sandbox-cost.ts'
export { sizesOf, type NodeSizes } from './sizes.ts'
