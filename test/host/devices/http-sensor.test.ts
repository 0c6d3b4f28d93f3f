import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import type { Sensor } from '../../../host/devices/index.ts'
import { httpSensor } from '../../../host/devices/sensors/http.ts'
import { FakeClock, seededRandom } from '../fake-clock.ts'

let server: Server
let answer: RequestListener
let requests = 0

beforeEach(async () => {
  requests = 0
  server = createServer((request, response) => {
    requests += 1
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function open(table: object = {}, clock = systemClock): Promise<Sensor> {
  const { port } = server.address() as AddressInfo
  const options = v.parse(httpSensor.options, { url: `http://127.0.0.1:${port}/light`, ...table })
  return httpSensor.open('probe', options, { clock, random: seededRandom(1), root: '/' })
}

describe('the http sensor', () => {
  it('reads a number, or a place in JSON, with the headers that its table names', async () => {
    answer = ({ headers, url }, response) => response.end(`{"${url}":{"v":${headers['x-scale']}}}`)
    const sensor = await open({ pointer: '/~1light/v', headers: { 'X-Scale': '12' }, unit: 'lx', scale: 2 })
    await expect(sensor.read()).resolves.toMatchObject({ value: 24, unit: 'lx' })
    await sensor.close()
  })

  it('asks no more often than its table says, and its readings have the time when they came', async () => {
    answer = (_request, response) => response.end(String(requests))
    const clock = new FakeClock()
    const sensor = await open({ every: '10s' }, clock)
    const first = await sensor.read()
    await clock.advance(9_999)
    expect(await sensor.read()).toEqual(first)
    await clock.advance(1)
    expect(await sensor.read()).toMatchObject({ value: 2, timeMs: first.timeMs + 10_000 })
    expect(requests).toBe(2)
    await sensor.close()
  })

  it('does not ask a server that fails at every reading, and asks again after a moment', async () => {
    answer = (_request, response) => response.writeHead(503).end()
    const clock = new FakeClock()
    const sensor = await open({}, clock)
    for (let count = 0; count < 5; count += 1)
      await expect(sensor.read()).rejects.toThrow('answered with 503')
    expect(requests).toBe(1)
    answer = (_request, response) => response.end('3')
    await clock.advance(2_000)
    await expect(sensor.read()).resolves.toMatchObject({ value: 3 })
    await sensor.close()
  })

  it('follows nobody elsewhere, and says so', async () => {
    answer = (_request, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end()
    const sensor = await open()
    await expect(sensor.read()).rejects.toThrow('302 to http://10.0.0.1/, which is not followed')
    await sensor.close()
  })

  it('gives up one that answers without an end, or not at all', async () => {
    answer = (_request, response) => {
      const write = (): void => {
        response.write('1'.repeat(8_192))
        if (!response.destroyed) setImmediate(write)
      }
      write()
    }
    const talkative = await open()
    await expect(talkative.read()).rejects.toThrow('answered with more than 64 KiB')
    await talkative.close()
    answer = () => {}
    const silent = await open({ timeout: '100ms' })
    await expect(silent.read()).rejects.toThrow('did not answer in 0.1 s')
    await silent.close()
  })

  it('that is closed ends what is under way', async () => {
    answer = () => {}
    const sensor = await open()
    const outcome = expect(sensor.read()).rejects.toThrow()
    await sensor.close()
    await outcome
  })

  it.each(['ftp://host/x', 'host/x', ''])('refuses %j as its URL', (url) => {
    expect(v.safeParse(httpSensor.options, { url }).success).toBe(false)
  })
})
