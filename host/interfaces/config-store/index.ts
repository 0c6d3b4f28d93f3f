/** wasi:config/store: the release's settings, overlaid by those of the node's owner. Read-only. */
import type { InterfaceOffer } from '../offer.ts'

export const configStore: InterfaceOffer = {
  id: 'wasi:config/store@0.2.0-rc.1',
  summary: 'read the app’s settings',
  grantKind: null,
  bind({ config }) {
    const settings = new Map(Object.entries(config))
    return {
      get: { mode: 'call', run: ([key]) => settings.get(String(key)) },
      'get-all': { mode: 'call', run: () => [...settings].sort(([a], [b]) => (a < b ? -1 : 1)) },
    }
  },
}
