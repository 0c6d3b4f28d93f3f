/** The files that brokers' tables name, as paths that do not depend on where the node was started. */
import { dirname, resolve } from 'node:path'
import type { NodeConfig } from './node-config.ts'

/** @param fileName of the TOML; relative paths start in its folder */
export function locateBrokerFiles(brokers: NodeConfig['brokers'], fileName: string): NodeConfig['brokers'] {
  const at = (path: string): string => resolve(dirname(fileName), path)
  return Object.fromEntries(
    Object.entries(brokers).map(([name, { ca, 'password-file': password, ...rest }]) => [
      name,
      {
        ...rest,
        ...(ca !== undefined && { ca: at(ca) }),
        ...(password !== undefined && { 'password-file': at(password) }),
      },
    ]),
  )
}
