/** `selvedge data …`: what an app has stored on a node, seen, changed, taken away and put back. */
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { messageOf } from '../../../core/index.ts'
import {
  apiLimits,
  type ControlClient,
  type DataPage,
  type DataReport,
  type SnapshotReport,
} from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { table } from '../table.ts'
import { countText, plain, sizeText } from '../text.ts'

const schema = 'selvedge.data/1'
const appArgument = { name: 'APP', required: true, completes: 'app' } as const
/** Of a listing that a person reads; `--json` has the same. */
const mostShown = 10_000

export const dataList = defineCommand({
  name: 'data ls',
  summary: 'list what an app has stored on the node',
  details:
    'Without STORE, the buckets and containers that the app is granted. Objects are shown with the SHA-256 of their bytes.',
  arguments: [appArgument, { name: 'STORE', required: false }],
  options: {},
  json: schema,
  usesNode: true,
  examples: [
    { line: 'data ls counter', says: 'its buckets and containers' },
    { line: 'data ls counter counts', says: 'the keys in one of them' },
  ],
  async run(context) {
    const { client, world, args, json } = context
    const [app = '', store] = args
    if (store === undefined) {
      const report = await client.data(app)
      if (json) printJson(context, schema, report)
      else world.stdout.write(renderStores(report))
      return 0
    }
    const page = await whole(client, app, store)
    if (json) printJson(context, schema, page)
    else world.stdout.write(renderPage(page))
    return 0
  },
})

/** All pages, as far as they are shown. */
async function whole(client: ControlClient, app: string, store: string): Promise<DataPage> {
  let page = await client.dataPage(app, store, null)
  while (page.cursor !== null && page.keys.length + page.objects.length < mostShown) {
    const next = await client.dataPage(app, store, page.cursor)
    page = { ...next, keys: [...page.keys, ...next.keys], objects: [...page.objects, ...next.objects] }
  }
  return page
}

export function renderStores({ app, stores, keyValue, blobs }: DataReport): string {
  if (stores.length === 0) return `${plain(app)} is granted no bucket and no container\n`
  const held = [
    ...(keyValue === null ? [] : [`${countText(keyValue.items, 'key')}, ${sizeText(keyValue.bytes)}`]),
    ...(blobs === null ? [] : [`${countText(blobs.items, 'object')}, ${sizeText(blobs.bytes)}`]),
  ]
  const rows = table(stores.map(({ kind, name }) => [kind, plain(name)]))
  return held.length === 0 ? rows : `${rows}${held.join(' and ')} in all\n`
}

export function renderPage({ store, keys, objects, cursor }: DataPage): string {
  if (keys.length + objects.length === 0) return `nothing is in ${plain(store)}\n`
  const rows = objects.map(({ name, sizeBytes, digest }) => [
    plain(name),
    sizeText(sizeBytes),
    digest === null ? 'no digest' : `sha256:${digest}`,
  ])
  const more = cursor === null ? '' : '… and more\n'
  return `${keys.map((key) => `${plain(key)}\n`).join('')}${table(rows)}${more}`
}

export const dataGet = defineCommand({
  name: 'data get',
  summary: 'print the value of a key',
  details: 'A file or a pipe gets its bytes as they are; a terminal gets base64 where they are no text.',
  arguments: [appArgument, { name: 'BUCKET', required: true }, { name: 'KEY', required: true }],
  options: {},
  json: schema,
  usesNode: true,
  examples: [{ line: 'data get counter counts visits', says: 'what the app counted' }],
  async run(context) {
    const { client, world, args, json } = context
    const [app = '', store = '', key = ''] = args
    const receipt = await client.changeData({ action: 'get', app, store, key })
    const value = receipt.action === 'get' ? receipt.value : null
    if (json) printJson(context, schema, receipt)
    else if (value === null) world.stderr.write(`${plain(key)} is not set\n`)
    else if (world.stdout.isTTY) world.stdout.write(`${shown(Buffer.from(value, 'base64'))}\n`)
    else await world.streams.stdout(Buffer.from(value, 'base64'))
    return value === null ? 1 : 0
  },
})

/** A terminal does what some bytes say. */
function shown(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? plain(text) : bytes.toString('base64')
}

export const dataSet = defineCommand({
  name: 'data set',
  summary: 'set a key, as the app would',
  arguments: [
    appArgument,
    { name: 'BUCKET', required: true },
    { name: 'KEY', required: true },
    { name: 'VALUE', required: false },
  ],
  options: {
    file: { kind: 'text', value: 'FILE', short: 'f', help: 'take the value from a file', completes: 'file' },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'data set thermostat settings target 20.5', says: 'a keyvalue trigger hears of it too' },
  ],
  async run(context) {
    const { client, world, args, options, json } = context
    const [app = '', store = '', key = '', text] = args
    if ((text === undefined) === (options.file === undefined))
      throw cliProblems.error('ERR_USAGE', 'give either VALUE or --file')
    const bytes =
      options.file === undefined ? Buffer.from(text ?? '') : await readValue(resolve(world.cwd, options.file))
    const receipt = await client.changeData({
      action: 'set',
      app,
      store,
      key,
      value: bytes.toString('base64'),
    })
    if (json) printJson(context, schema, receipt)
    else world.stdout.write(`${plain(key)} is set, ${sizeText(bytes.length)}\n`)
    return 0
  },
})

/** What fits into a request, in base64; no store takes more. What has no end is not read to it. */
const maxValueBytes = apiLimits.callBytes / 2

async function readValue(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r')
    try {
      const bytes = Buffer.alloc(maxValueBytes + 1)
      let filled = 0
      for (;;) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, null)
        filled += bytesRead
        if (filled > maxValueBytes) throw new Error(`it has more than ${sizeText(maxValueBytes)}`)
        if (bytesRead === 0) return bytes.subarray(0, filled)
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw cliProblems.error('ERR_VALUE_FILE', `${path} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

export const dataDelete = defineCommand({
  name: 'data delete',
  summary: 'delete a key, as the app would',
  arguments: [appArgument, { name: 'BUCKET', required: true }, { name: 'KEY', required: true }],
  options: {},
  json: schema,
  usesNode: true,
  examples: [{ line: 'data delete thermostat settings target', says: 'nothing happens where it is not set' }],
  async run(context) {
    const { client, world, args, json } = context
    const [app = '', store = '', key = ''] = args
    const receipt = await client.changeData({ action: 'delete', app, store, key })
    if (json) printJson(context, schema, receipt)
    else world.stdout.write(`${plain(key)} is not set any more\n`)
    return 0
  },
})

export const dataSnapshot = defineCommand({
  name: 'data snapshot',
  summary: 'take what an app has stored on the node into one file',
  details:
    'Entries as of one moment and objects as of one, while the app goes on. The node writes the file, so its user must be ' +
    'allowed to. What a group shares is in it as this node had it, and is joined in again by a restore.',
  arguments: [appArgument],
  options: {
    output: {
      kind: 'text',
      value: 'FILE',
      short: 'o',
      help: 'a file that is not there yet',
      completes: 'file',
    },
  },
  json: schema,
  usesNode: true,
  examples: [{ line: 'data snapshot counter -o counter.data', says: 'with the digest of every part' }],
  async run(context) {
    const { client, world, args, options, json } = context
    const [app = ''] = args
    if (options.output === undefined) throw cliProblems.error('ERR_USAGE', 'name the file with -o FILE')
    const receipt = await client.changeData({ action: 'snapshot', app, path: resolve(options.output) })
    if (json) printJson(context, schema, receipt)
    else if (receipt.action === 'snapshot')
      world.stdout.write(`${heldText(receipt)} in ${plain(receipt.path)}\n`)
    return 0
  },
})

export const dataRestore = defineCommand({
  name: 'data restore',
  summary: 'put a snapshot in the place of what an app has stored',
  details:
    'The file is verified as a whole before anything changes. Then all of it is put in place or none: what a power cut ' +
    'interrupts is ended before the app’s stores are opened again. What the app has stored since is gone. What its group ' +
    'shares is joined in instead, and only into the same group’s.',
  arguments: [appArgument, { name: 'FILE', required: true, completes: 'file' }],
  options: {
    stop: { kind: 'flag', help: 'stop the app where it runs, and start it again afterwards' },
    'any-group': {
      kind: 'flag',
      help: 'join in what a group shared, also where it is another group or of another mesh',
    },
  },
  json: schema,
  usesNode: true,
  examples: [{ line: 'data restore counter counter.data --stop', says: 'as it was when it was taken' }],
  async run(context) {
    const { client, world, args, options, json } = context
    const [app = '', file = ''] = args
    const receipt = await client.changeData({
      action: 'restore',
      app,
      path: resolve(file),
      stop: options.stop,
      ...(options['any-group'] && { anyGroup: true }),
    })
    if (json) printJson(context, schema, receipt)
    else if (receipt.action === 'restore')
      world.stdout.write(`${heldText(receipt)} put back for ${plain(app)}\n`)
    return 0
  },
})

function heldText({ entries, objects, shared, bytes }: SnapshotReport): string {
  const ofGroup = shared === 0 ? '' : `, ${countText(shared, 'key')} that its group shares`
  return `${countText(entries, 'key')} and ${countText(objects, 'object')}${ofGroup}, ${sizeText(bytes)},`
}
