/** wasi:sockets/ip-name-lookup 0.3: the addresses of a name, all at once. */
import type { IpAddress } from '../../sockets/address.ts'
import { addressesOf, askFor } from '../../sockets/lookup.ts'
import { takeMessage } from '../../sockets/network.ts'
import { asWit, lookupCode } from './error-code.ts'
import type { SocketsWorld } from './socket.ts'

/** @throws WitError error-code */
export async function resolveAddresses(
  { context, waiting }: SocketsWorld,
  name: string,
): Promise<IpAddress[]> {
  const asked = asWit(() => askFor(context, name), lookupCode)
  if (Array.isArray(asked)) return asked
  const release = context.hold()
  try {
    await waiting.whenReady(asked)
    return asWit(() => addressesOf(takeMessage(asked, context)), lookupCode)
  } finally {
    asked.close()
    release()
  }
}
