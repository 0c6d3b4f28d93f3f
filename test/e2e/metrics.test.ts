/** The metrics of a real node, read both ways: apps run, trap, are asked and swapped, and the numbers say so. */
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join as joinPath } from 'node:path'
import { expect, it } from 'vitest'
import { guest } from '../guests/index.ts'
import { readExposition, type Exposition } from '../host/metrics/exposition.ts'
import { appFolder, freePort, share, start, until, lightAndLed } from './harness.ts'
import { mustType } from './typed.ts'

const scene = share(async (stage) => {
  const [http, metrics] = [await freePort(), await freePort()]
  const node = await start(stage, {
    name: 'lobby-1',
    config: `${lightAndLed}\n[http]\nlisten = "127.0.0.1:${http}"\n[metrics]\nlisten = "${metrics}"\n`,
  })
  return { stage, http, metrics, node }
})

it('say what apps did, over the socket and over TCP, and only grow', async () => {
  const { stage, http, metrics, node } = scene()
  const overTcp = async (): Promise<Exposition> => {
    const response = await fetch(`http://127.0.0.1:${metrics}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return readExposition(await response.text())
  }
  const overSocket = async (): Promise<Exposition> =>
    readExposition(await stage.mustRun(['metrics', '--data', node.data]))
  const publish = (file: string, ...args: string[]): Promise<string> =>
    mustType(stage, ['publish', file, '--data', node.data, ...args])

  const before = await overSocket()
  expect(before.value('selvedge_mesh_members', { verdict: 'alive' })).toBe(1)
  expect(before.series.some(({ labels }) => 'app' in labels)).toBe(false)

  const [hello, trap] = [joinPath(node.data, 'hello.wasm'), joinPath(node.data, 'trap-always.wasm')]
  await writeFile(hello, await guest('hello-http'))
  await writeFile(trap, await guest('trap-always'))
  await publish(appFolder, '--no-build', '--wait')
  await publish(trap, '--grant', 'sensor:light', '--trigger', 'sensor:light:200ms')
  await publish(hello, '--trigger', 'http', '--wait')
  const url = `http://127.0.0.1:${http}/hello/`
  await until('hello answers', async () => (await fetch(url)).status === 200)
  for (let round = 0; round < 5; round += 1) await (await fetch(url)).text()
  expect((await fetch(`http://127.0.0.1:${http}/nobody/`)).status).toBe(404)

  const incidents = { app: 'trap-always', reason: 'trap' }
  const handled = { app: 'light-alarm', outcome: 'handled' }
  await until('the trap and an event are counted', async () => {
    const { value } = await overTcp()
    const traps = value('selvedge_app_incidents_total', incidents) ?? 0
    return traps >= 2 && (value('selvedge_app_events_total', handled) ?? 0) >= 2
  })
  const busy = await overTcp()
  expect(busy.value('selvedge_http_requests_total', { app: 'hello', code: '2xx' })).toBeGreaterThanOrEqual(6)
  expect(busy.value('selvedge_http_refusals_total', { reason: 'ERR_HTTP_NO_APP' })).toBeGreaterThanOrEqual(1)
  expect(busy.value('selvedge_app_invocations_total', { app: 'hello' })).toBeGreaterThanOrEqual(6)
  expect(busy.value('selvedge_app_state', { app: 'hello', state: 'running' })).toBe(1)
  expect(busy.value('selvedge_app_memory_bytes', { app: 'hello' })).toBeGreaterThanOrEqual(65_536)
  expect(busy.value('selvedge_app_cpu_seconds_total', { app: 'hello' })).toBeGreaterThan(0)
  expect(busy.value('selvedge_app_instances', { app: 'light-alarm' })).toBe(1)
  expect(busy.value('selvedge_app_errors_total', { app: 'trap-always' })).toBeGreaterThanOrEqual(2)
  const starts = ['cold', 'template', 'shared'].map((kind) =>
    busy.value('selvedge_instance_starts_total', { kind }),
  )
  expect(starts.reduce<number>((sum, count) => sum + (count ?? NaN), 0)).toBeGreaterThanOrEqual(4)
  const duration = 'selvedge_http_request_duration_seconds'
  expect(busy.value(`${duration}_count`, { app: 'hello' })).toBe(
    busy.value(`${duration}_bucket`, { app: 'hello', le: '+Inf' }),
  )

  await publish(hello, '--trigger', 'http', '--version', '2.0.0', '--wait')
  await (await fetch(url)).text()
  const after = await overSocket()
  const fallen = busy.series.filter(({ name, labels, value }) => {
    const type = after.types.get(name.replace(/_(?:bucket|sum|count)$/, '')) ?? after.types.get(name)
    return type !== 'gauge' && (after.value(name, labels) ?? -1) < value
  })
  expect(fallen).toEqual([])
  const room = async (): Promise<number> => {
    const text = await mustType(stage, ['status', '--json', '--data', node.data])
    return (JSON.parse(text) as { components: { usedBytes: number } | null }).components?.usedBytes ?? 0
  }
  await until('the store is counted', async () => (await room()) > 10_000)
  await until('both tell the same of it', async () => {
    return (await overTcp()).value('selvedge_component_store_bytes') === (await room())
  })
  expect([...(await overTcp()).types]).toEqual([...after.types])
})

it('are JSON where a script wants them, and are read under no name of somebody else', async () => {
  const { stage, metrics: port, node } = scene()
  const { schema, metrics } = JSON.parse(await stage.mustRun(['metrics', '--json', '--data', node.data])) as {
    schema: string
    metrics: { name: string; type: string; values: { value: number }[] }[]
  }
  expect(schema).toBe('selvedge.metrics/1')
  expect(metrics.find(({ name }) => name === 'selvedge_build_info')).toMatchObject({
    type: 'gauge',
    values: [{ value: 1, labels: { arch: `${process.platform}-${process.arch}` } }],
  })
  const { stdout } = await stage.run(['metrics', '--data', joinPath(node.data, 'nowhere')])
  expect(stdout).toBe('')
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    })
    let heard = ''
    socket.on('data', (piece: Buffer) => (heard += piece.toString()))
    socket.on('end', () => resolve(heard))
    socket.on('error', reject)
  })
  expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  expect(answer).not.toContain('selvedge_build_info')
})
