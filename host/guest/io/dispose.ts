/** How jco's glue tells a resource that the guest has dropped it. Node 18 does not have the symbol. */
export const dispose: symbol = (Symbol as { readonly dispose?: symbol }).dispose ?? Symbol.for('dispose')
