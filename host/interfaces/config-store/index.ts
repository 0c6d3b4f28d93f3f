/**
 * wasi:config: the release's settings, overlaid by those of the node's owner. Read-only. The drafts renamed the
 * package's version twice and its interface once; the functions stayed the same.
 */
import type { InterfaceOffer } from '../offer.ts'

const names = [
  'wasi:config/store@0.2.0-rc.1',
  'wasi:config/store@0.2.0-draft',
  'wasi:config/runtime@0.2.0-draft',
]

export const configStores: readonly InterfaceOffer[] = names.map((id) => ({
  id,
  summary: 'read the app’s settings',
  grantKind: null,
  bind({ config }) {
    const settings = new Map(Object.entries(config))
    return {
      get: { mode: 'call', run: ([key]) => settings.get(String(key)) },
      'get-all': { mode: 'call', run: () => [...settings].sort(([a], [b]) => (a < b ? -1 : 1)) },
    }
  },
}))
