/** What this node carries for members that nobody can dial; nothing where it is no gateway. */
import type { MetricFamily, MeshReading } from '../contract.ts'

type Counts = NonNullable<MeshReading['gateway']>

function row(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  valueOf: (counts: Counts) => number,
): MetricFamily {
  return {
    name,
    help,
    type,
    read: ({ mesh: { gateway } }) => (gateway === null ? [] : [{ value: valueOf(gateway) }]),
  }
}

export const gatewayFamilies: readonly MetricFamily[] = [
  row(
    'selvedge_gateway_places',
    'gauge',
    'Members that can be reached through this node',
    ({ places }) => places,
  ),
  row(
    'selvedge_gateway_circuits',
    'gauge',
    'Connections of others that it carries now',
    ({ circuits }) => circuits,
  ),
  row(
    'selvedge_gateway_circuits_total',
    'counter',
    'Connections of others that it carried',
    ({ opened }) => opened,
  ),
  row(
    'selvedge_gateway_refused_total',
    'counter',
    'Places and connections that it refused',
    ({ refused }) => refused,
  ),
  row('selvedge_gateway_bytes_total', 'counter', 'Bytes that it carried for others', ({ bytes }) => bytes),
]
