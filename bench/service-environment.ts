/** The variables with which a service's manager starts a node: what is measured at rest is what runs where it is installed. */
import { mallocSettings } from '../host/service/index.ts'

export const serviceEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  mallocSettings.split(' ').map((setting) => setting.split('=') as [string, string]),
)
