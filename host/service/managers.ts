/** The service managers that there are, the first that runs the machine counts. */
import { openrc } from './openrc.ts'
import { systemd } from './systemd.ts'
import type { ServiceManager } from './contract.ts'

/** A new one is a file and a line here. */
export const serviceManagers: readonly ServiceManager[] = [systemd, openrc]
