/** The public face of host/api/: the control API's shapes, its server, its client, and the data-folder lock. */
export * from './client.ts'
export * from './contract.ts'
export * from './controlled-node.ts'
export * from './data-lock.ts'
export * from './limits.ts'
export * from './problems.ts'
export { ControlServer } from './server.ts'
