import { resolve } from 'node:path'
import {
  createLog,
  formatForMachines,
  formatForPeople,
  isSelvedgeError,
  shortDigest,
} from '../../../core/index.ts'
import { defineCommand } from '../command.ts'
import type { RunningNode } from '../node-starter.ts'
import { printJson, say } from '../print.ts'
import { plain } from '../text.ts'

export const up = defineCommand({
  name: 'up',
  summary: 'run a node, until Ctrl-C',
  details:
    'Without an invite and without a mesh in its data folder, the node makes a private mesh of its own and writes ' +
    'the keys to your key folder. When it is ready it prints one line: ready NAME MESH ADDRESS…',
  options: {
    config: {
      kind: 'text',
      value: 'FILE',
      help: 'the node’s TOML: devices, groups, addresses',
      completes: 'file',
    },
    name: { kind: 'text', value: 'NAME', help: 'what the node is called (default: the host’s name)' },
    group: { kind: 'list', value: 'GROUP', help: 'a group that it belongs to' },
    join: { kind: 'text', value: 'TOKEN', help: 'join a mesh with an invite (only the first time)' },
    listen: {
      kind: 'list',
      value: 'ADDR',
      help: 'a multiaddr to listen on, as /ip4/0.0.0.0/tcp/4001, or none',
    },
    announce: {
      kind: 'list',
      value: 'ADDR',
      help: 'a multiaddr that others reach it at, where it is not the one it listens on',
    },
    http: {
      kind: 'text',
      value: 'HOST:PORT',
      help: 'answer HTTP requests to apps there, as 127.0.0.1:8080',
    },
    metrics: {
      kind: 'text',
      value: 'HOST:PORT',
      help: 'let Prometheus read the metrics there; a port alone is for this machine only',
    },
    deploy: {
      kind: 'text',
      value: 'HOST:PORT',
      help: 'let build jobs publish there with a deploy key, as 127.0.0.1:7440',
    },
    'no-mdns': { kind: 'flag', help: 'do not look for peers on the local network' },
    offline: { kind: 'flag', help: 'start with the mesh’s network off; see selvedge network on' },
    'log-json': { kind: 'flag', help: 'log JSON lines' },
  },
  json: 'selvedge.up/1',
  usesNode: true,
  endsItself: true,
  examples: [
    { line: 'up', says: 'a node with a mesh of its own' },
    { line: 'up --name garage-1 --group garage --join TOKEN', says: 'a node that joins with an invite' },
    { line: 'up --config node.toml --data ./node-1', says: 'with devices, and its state in ./node-1' },
  ],
  async run(context) {
    const { world, options, json } = context
    const startedAt = world.clock.monotonicMs()
    const format = options['log-json'] ? formatForMachines : formatForPeople
    const log = createLog((entry) => world.stderr.write(`${format(entry)}\n`), world.clock)
    const starting = world.startNode({
      data: context.data,
      keys: world.folders.keys,
      config: options.config === undefined ? undefined : resolve(world.cwd, options.config),
      name: options.name,
      groups: options.group,
      join: options.join,
      listen: options.listen,
      announce: options.announce,
      http: options.http,
      metrics: options.metrics,
      deploy: options.deploy,
      mdns: !options['no-mdns'],
      offline: options.offline,
      signal: world.signal,
      log,
    })
    const node = await starting.catch((error: unknown) => {
      // Who ends a node before it is ready asks for no more than its end.
      if (world.signal.aborted && !isSelvedgeError(error)) return null
      throw error
    })
    if (node === null) return 0
    const readyMs = Math.round(world.clock.monotonicMs() - startedAt)
    if (!options['log-json']) tellOrigin(context, node)
    const { id, name, mesh, addresses, socketPath, http, metrics, deploy } = node
    if (json) {
      const facts = { id, name, mesh: mesh.id, addresses, socket: socketPath, http, metrics, deploy, readyMs }
      printJson(context, 'selvedge.up/1', facts)
    } else world.stdout.write(`${['ready', plain(name), shortDigest(mesh.id), ...addresses].join(' ')}\n`)
    await untilEnd(node, world.signal)
    return 0
  },
})

function tellOrigin(context: Parameters<typeof say>[0], node: RunningNode): void {
  const { keys } = context.world.folders
  const mesh = `mesh ${plain(node.mesh.name)} (${shortDigest(node.mesh.id)})`
  if (node.origin === 'created') {
    say(
      context,
      `made ${mesh}; its root, admin and publisher keys are in ${keys}: keep a copy, nobody can make them again`,
    )
    say(context, 'let another node in with the token that `selvedge invite` prints')
  } else say(context, node.origin === 'joined' ? `joined ${mesh}` : `back in ${mesh}`)
  if (node.http !== null) {
    say(context, `apps with an http trigger answer at ${urlOf(node.http)}/APP/`)
  }
  if (node.deploy !== null) say(context, `build jobs publish at ${urlOf(node.deploy)}`)
  if (node.metrics !== null) say(context, `metrics are read at ${urlOf(node.metrics)}/metrics`)
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Stops the node on a signal; ends by itself where somebody else stopped it. */
async function untilEnd(node: RunningNode, signal: AbortSignal): Promise<void> {
  // Nothing else may keep the process alive while a node with its network off waits for its control socket.
  const keepAlive = setInterval(() => {}, 60_000)
  const onAbort = (): void => void node.stop()
  try {
    if (signal.aborted) await node.stop()
    else signal.addEventListener('abort', onAbort, { once: true })
    await node.stopped
  } finally {
    signal.removeEventListener('abort', onAbort)
    clearInterval(keepAlive)
  }
}
