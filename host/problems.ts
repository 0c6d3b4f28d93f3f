/**
 * The one problem registry: every folder's table, gathered. Feeds `selvedge explain`, `doctor` and the
 * documentation. A folder with a new table gets a line here; a test finds the ones that were forgotten.
 */
import {
  codecProblems,
  fileProblems,
  lifecycleProblems,
  type Problem,
  type RegisteredProblem,
} from '../core/index.ts'
import {
  admissionProblems,
  blobsProblems,
  callsProblems,
  gatewayProblems,
  headsProblems,
  identityProblems,
  logsProblems,
  membershipProblems,
  messagesProblems,
  patchesProblems,
  releasesProblems,
  transportProblems,
} from '../mesh/index.ts'
import { apiProblems } from './api/index.ts'
import { appProblems } from './apps/index.ts'
import { buildProblems } from './build/index.ts'
import { callProblems } from './calls/index.ts'
import { cliProblems } from './cli/index.ts'
import { configProblems } from './config/index.ts'
import { deviceProblems } from './devices/index.ts'
import { doctorProblems } from './doctor/index.ts'
import { engineProblems } from './engine/index.ts'
import { fitProblems } from './fit/index.ts'
import { formatsProblems } from './formats/index.ts'
import { httpProblems } from './http/index.ts'
import { interfaceProblems } from './interfaces/index.ts'
import { logProblems } from './logs/index.ts'
import { manifestProblems } from './manifest/index.ts'
import { messageProblems } from './messages/index.ts'
import { metricsProblems } from './metrics/index.ts'
import { mqttProblems } from './mqtt/index.ts'
import { nodeProblems } from './node/index.ts'
import { placementProblems } from './placement/index.ts'
import { queueProblems } from './queue/index.ts'
import { replicasProblems } from './replicas/index.ts'
import { runProblems } from './run/index.ts'
import { serviceProblems } from './service/index.ts'
import { storageProblems } from './storage/index.ts'
import { tlsProblems } from './tls/index.ts'
import { tomlProblems } from './toml/index.ts'
import { triggerProblems } from './triggers/index.ts'
import { valueProblems } from './values/index.ts'

const tables: readonly { readonly problems: Readonly<Record<string, Problem>> }[] = [
  codecProblems,
  fileProblems,
  lifecycleProblems,
  identityProblems,
  admissionProblems,
  transportProblems,
  membershipProblems,
  gatewayProblems,
  releasesProblems,
  headsProblems,
  blobsProblems,
  callsProblems,
  messagesProblems,
  logsProblems,
  patchesProblems,
  tomlProblems,
  tlsProblems,
  configProblems,
  logProblems,
  manifestProblems,
  buildProblems,
  doctorProblems,
  engineProblems,
  fitProblems,
  interfaceProblems,
  deviceProblems,
  mqttProblems,
  storageProblems,
  messageProblems,
  triggerProblems,
  formatsProblems,
  placementProblems,
  queueProblems,
  replicasProblems,
  httpProblems,
  metricsProblems,
  valueProblems,
  appProblems,
  callProblems,
  nodeProblems,
  runProblems,
  serviceProblems,
  apiProblems,
  cliProblems,
]

/** Every problem there is, once. */
export function allProblems(): RegisteredProblem[] {
  return tables.flatMap(({ problems }) =>
    Object.entries(problems).map(([code, problem]) => ({ code, ...problem })),
  )
}
