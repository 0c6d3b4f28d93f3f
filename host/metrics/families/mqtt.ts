/** The node's MQTT brokers and bridges: what crossed, what waits, what was not taken. */
import type { BridgeReport } from '../../mqtt/index.ts'
import type { BrokerReading, MetricFamily, Sample, Snapshot } from '../contract.ts'

function ofBrokers(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  valueOf: (broker: BrokerReading) => number,
): MetricFamily {
  const labels = ['broker']
  const read = ({ brokers }: Snapshot): Sample[] =>
    brokers.map((broker) => ({ labels: { broker: broker.name }, value: valueOf(broker) }))
  return { name, type, help, labels, read }
}

function ofBridges(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  valueOf: (bridge: BridgeReport) => number,
): MetricFamily {
  const labels = ['bridge']
  const read = ({ bridges }: Snapshot): Sample[] =>
    bridges.map((bridge) => ({ labels: { bridge: bridge.name }, value: valueOf(bridge) }))
  return { name, type, help, labels, read }
}

export const mqttFamilies: readonly MetricFamily[] = [
  ofBrokers('selvedge_broker_up', 'gauge', '1 while the broker is connected, 0 while it is not', ({ isUp }) =>
    isUp ? 1 : 0,
  ),
  ofBrokers(
    'selvedge_broker_connections_total',
    'counter',
    'Times that the broker let this node in',
    ({ counts }) => counts.connections,
  ),
  ofBrokers(
    'selvedge_broker_received_total',
    'counter',
    'Messages that came from the broker',
    ({ counts }) => counts.received,
  ),
  ofBrokers(
    'selvedge_broker_sent_total',
    'counter',
    'Messages that the broker acknowledged',
    ({ counts }) => counts.sent,
  ),
  ofBrokers(
    'selvedge_broker_oversized_total',
    'counter',
    'Messages larger than the broker’s table allows, which were dropped',
    ({ counts }) => counts.oversized,
  ),
  ofBrokers(
    'selvedge_broker_garbage_total',
    'counter',
    'Connections given up because what came was not MQTT',
    ({ counts }) => counts.garbage,
  ),
  ofBrokers(
    'selvedge_broker_not_taken_total',
    'counter',
    'Messages that the mesh could not take and that were left with the broker',
    ({ counts }) => counts.notTaken,
  ),
  ofBridges(
    'selvedge_bridge_waiting',
    'gauge',
    'Messages on this disk that wait for the broker',
    ({ waiting }) => waiting,
  ),
  ofBridges(
    'selvedge_bridge_refused',
    'gauge',
    'Messages that the broker refused and that are kept aside',
    ({ refused }) => refused,
  ),
  ofBridges(
    'selvedge_bridge_sent_total',
    'counter',
    'Messages of the mesh that the broker acknowledged',
    ({ sent }) => sent,
  ),
  ofBridges(
    'selvedge_bridge_received_total',
    'counter',
    'Messages of the broker that went into the mesh',
    ({ received }) => received,
  ),
  ofBridges(
    'selvedge_bridge_dropped_total',
    'counter',
    'Messages dropped because the bridge was full',
    ({ dropped }) => dropped,
  ),
]
