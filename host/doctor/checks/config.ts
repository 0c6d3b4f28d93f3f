/** The node's TOML, as `selvedge up` would read it. */
import { isSelvedgeError } from '../../../core/index.ts'
import { loadNodeConfig } from '../../config/index.ts'
import type { Check } from '../contract.ts'

export const configCheck: Check = {
  name: 'config',
  summary: 'the node’s TOML',
  async run({ config, data, keys }) {
    if (config === undefined)
      return [{ level: 'fine', what: 'no TOML was named with --config: a node without one has the defaults' }]
    try {
      const { sensors, pins } = await loadNodeConfig(config, [data, keys])
      const counts = `${Object.keys(sensors).length} sensors and ${Object.keys(pins).length} pins`
      return [{ level: 'fine', what: `${config} is well, with ${counts}` }]
    } catch (error) {
      if (!isSelvedgeError(error)) throw error
      const { code, message, hint } = error
      return [{ level: 'wrong', code, what: message, ...(hint !== undefined && { fix: hint }) }]
    }
  },
}
