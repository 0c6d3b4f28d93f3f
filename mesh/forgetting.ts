/** What is left of nodes that are no members any more. */
import { messageOf, type Log } from '../core/index.ts'
import type { AddressBook } from './address-book.ts'
import type { Stores } from './stores.ts'

/** One that was revoked leaves nothing; one that was removed may come back, and its record may have been passed on. */
export function forgetStrangers(
  { credentials, records }: Pick<Stores, 'credentials' | 'records'>,
  addresses: Pick<AddressBook, 'forget'>,
  log: Log,
): void {
  for (const node of credentials.nodes()) {
    if (credentials.isMember(node)) continue
    addresses.forget(node)
    if (!credentials.isRevoked(node)) continue
    records.forget(node).catch((error: unknown) => log.warn('record:kept', { node, error: messageOf(error) }))
  }
}
