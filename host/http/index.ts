/** The public face of HTTP on the node's side: the server in front of the apps, and the client behind them. */
export { componentIngress } from './component-ingress.ts'
export type * from './contract.ts'
export { isStreamed } from './contract.ts'
export { defaultHttpLimits, type HttpLimits } from './limits.ts'
export { httpClient, type HttpClientNeeds } from './client.ts'
export { httpProblems } from './problems.ts'
export { httpHandlerId, recordIngress } from './record-ingress.ts'
export { HttpServer, type HttpServerNeeds } from './server.ts'
