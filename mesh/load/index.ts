/** The public face of mesh/load: what the nodes of a group have to do. */
export { LoadExchange } from './load-exchange.ts'
export type { Load } from './message.ts'
