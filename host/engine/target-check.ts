/** Whether this node has the interfaces that a release says its component imports: asked before it is fetched. */
import type { SelvedgeError } from '../../core/index.ts'
import type { InterfaceId, PrepareRequest } from './contract.ts'
import { refusalOf } from './import-check.ts'
import { p3Offers, withClient, withGrantedClient } from './p3-offers.ts'
import { engineOffers } from './wasi-offers.ts'

/**
 * What this node has itself is offered and granted to everyone.
 * @param imports what the release's record says; the component itself is looked at again when it is here
 * @returns the error to throw, which names all that is missing, or null
 */
export function refusalOfImports(
  imports: readonly InterfaceId[],
  { granted, offered }: Pick<PrepareRequest, 'granted' | 'offered'>,
): SelvedgeError | null {
  const own = [...engineOffers, ...p3Offers]
  return refusalOf(
    { imports, exports: [] },
    {
      granted: [...withGrantedClient(granted), ...own.map(({ id }) => id)],
      offered: [...withClient(offered), ...own],
      requiredExports: [],
    },
  )
}
