/** Every metric there is. A new one is a row in the file of its subject; a new subject a file and a line here. */
import type { MetricFamily } from './contract.ts'
import { appFamilies } from './families/apps.ts'
import { callFamilies } from './families/calls.ts'
import { componentFamilies } from './families/components.ts'
import { deviceFamilies } from './families/devices.ts'
import { engineFamilies } from './families/engine.ts'
import { gatewayFamilies } from './families/gateway.ts'
import { httpFamilies } from './families/http.ts'
import { meshFamilies } from './families/mesh.ts'
import { memoryFamilies } from './families/memory.ts'
import { messageFamilies } from './families/messages.ts'
import { mqttFamilies } from './families/mqtt.ts'
import { nodeFamilies } from './families/node.ts'
import { processFamilies } from './families/process.ts'
import { replicaFamilies } from './families/replicas.ts'

export const metricFamilies: readonly MetricFamily[] = [
  ...nodeFamilies,
  ...processFamilies,
  ...memoryFamilies,
  ...appFamilies,
  ...engineFamilies,
  ...deviceFamilies,
  ...httpFamilies,
  ...callFamilies,
  ...meshFamilies,
  ...gatewayFamilies,
  ...componentFamilies,
  ...messageFamilies,
  ...mqttFamilies,
  ...replicaFamilies,
]
