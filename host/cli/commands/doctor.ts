import { isSelvedgeError } from '../../../core/index.ts'
import type { ControlClient } from '../../api/index.ts'
import type { NodeFacts } from '../../doctor/index.ts'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { renderDoctor } from '../render-doctor.ts'

const schema = 'selvedge.doctor/1'

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'find what is wrong with this node, and what to do',
  details:
    'It looks at Node.js, memory, clock, data folder, disk, TOML, daemon, ports, peers, devices, brokers and trust, with a running daemon and without ' +
    'one: give the TOML of a node that does not start with --config. It changes nothing. Signs: ● fine, ◐ worth knowing, ✗ wrong. ' +
    'Exit 1 where something is wrong.',
  options: {
    config: {
      kind: 'text',
      value: 'FILE',
      help: 'the node’s TOML; its brokers and stores are tried, and without a daemon its devices and ports',
      completes: 'file',
    },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'doctor', says: 'of the running node' },
    { line: 'doctor --config node.toml', says: 'of one that does not run' },
  ],
  async run(context) {
    const { world, data, options, json, client } = context
    // What it takes to look at everything is not loaded for any other command.
    const { diagnose } = await import('../../doctor/index.ts')
    const { clock, signal, folders } = world
    const node = await factsOf(client)
    const patient = { data, keys: folders.keys, config: options.config, node, clock, signal }
    const diagnosis = await diagnose(patient)
    if (json) printJson(context, schema, diagnosis)
    else world.stdout.write(renderDoctor(diagnosis, world.stdout.colour))
    return diagnosis.wrong > 0 ? 1 : 0
  },
})

async function factsOf(client: ControlClient): Promise<NodeFacts | null> {
  try {
    const [status, devices, trust] = await Promise.all([client.status(), client.devices(), client.trust()])
    return { status, devices, trust }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_NODE_NOT_RUNNING')) return null
    throw error
  }
}
