/** Whole nodes that nobody can dial, and the gateways that lead others to them: real transports over loopback. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Mesh } from '../../../mesh/index.ts'
import { Harbor } from '../harbor.ts'
import { until } from '../transport/nodes.ts'

let harbor: Harbor
beforeEach(async () => {
  harbor = await Harbor.open()
})
afterEach(() => harbor.close())

const serving = { gateway: { reachable: 'yes', serves: true } } as const
const hidden = { listen: [], gateway: { reachable: 'auto', serves: null } } as const

const viewOf = (at: Mesh, of: Mesh) => at.members().find(({ id }) => id === of.self)
const isAlive = (at: Mesh, of: Mesh): boolean => viewOf(at, of)?.opinion.verdict === 'alive'
const circuitsOf = (at: Mesh, of: Mesh): string[] =>
  (viewOf(at, of)?.held?.record.report.addresses ?? []).filter((address) => address.includes('/p2p-circuit/'))

describe('two nodes that listen on nothing', () => {
  test('see each other alive through gateways, and each gets what the other publishes', async () => {
    const first = await harbor.found('first')
    const [g1, g2] = [await harbor.join('g1', first, serving), await harbor.join('g2', first, serving)]
    const [a, b] = [await harbor.join('a', first, hidden), await harbor.join('b', first, hidden)]
    await until(() => b.gateways.places.length === 2 && a.gateways.places.length === 2)
    expect(b.gateways).toMatchObject({ isReachable: false, problem: null })
    expect([...b.gateways.places].sort()).toEqual([g1.self, g2.self].sort())
    await until(() => circuitsOf(a, b).length >= 2 && circuitsOf(b, a).length >= 2)
    await until(() => (viewOf(a, b)?.via ?? []).length > 0)
    await until(() => isAlive(a, b) && isAlive(b, a))
    await a.publish(await harbor.release())
    await until(() => b.releases.heads().length === 1)
  })

  test('stay alive to each other when the gateway between them goes', async () => {
    const first = await harbor.found('first')
    const [g1, g2] = [await harbor.join('g1', first, serving), await harbor.join('g2', first, serving)]
    const [a, b] = [await harbor.join('a', first, hidden), await harbor.join('b', first, hidden)]
    await until(() => (viewOf(a, b)?.via ?? []).length > 0 && b.gateways.places.length === 2)
    const [used] = viewOf(a, b)?.via ?? []
    const [gone, left] = used === g1.self ? [g1, g2] : [g2, g1]
    await gone.stop()
    await until(() => viewOf(a, b)?.via?.join() === left.self && isAlive(a, b), 'another way')
    await until(() => b.gateways.places.join() === left.self && circuitsOf(a, b).length > 0)
    await until(() => circuitsOf(a, b).every((address) => address.includes(left.self)))
  })

  test('read each other’s logs through a gateway, and go on behind the last line when another takes its place', async () => {
    const first = await harbor.found('first')
    const [g1, g2] = [await harbor.join('g1', first, serving), await harbor.join('g2', first, serving)]
    const [a, b] = [await harbor.join('a', first, hidden), await harbor.join('b', first, hidden)]
    await until(() => (viewOf(a, b)?.via ?? []).length > 0 && b.gateways.places.length === 2)
    const line = {
      time: 0,
      level: 'info',
      version: '1.0.0',
      context: '',
      message: 'x'.repeat(4_000),
    } as const
    // Ten lines a page, as many as are asked for.
    b.logs.answerWith(async ({ from }) => {
      const after = 'after' in from ? from.after : 0
      const lines = Array.from({ length: 10 }, (_, at) => ({ ...line, seq: after + at + 1 }))
      return { lines, cursor: after + 10, missed: 0, more: true, nowMs: 0 }
    })
    const seqs: number[] = []
    const page = async (): Promise<void> => {
      const filter = { sinceMs: null, level: null, text: null }
      const question = { app: 'a', from: { after: seqs.length }, filter, waitMs: 0 }
      const { lines } = await a.logs.ask(b.self, question, new AbortController().signal)
      seqs.push(...lines.map(({ seq }) => seq))
    }
    await page()
    const [used] = viewOf(a, b)?.via ?? []
    expect([g1.self, g2.self]).toContain(used)
    const [gone, left] = used === g1.self ? [g1, g2] : [g2, g1]
    await gone.stop()
    await until(() => viewOf(a, b)?.via?.join() === left.self && isAlive(a, b), 'another way')
    await page()
    expect(seqs).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
  })

  test('say so where the mesh has no gateway, and are found as soon as there is one', async () => {
    const first = await harbor.found('first')
    const [a, b] = [await harbor.join('a', first, hidden), await harbor.join('b', first, hidden)]
    await until(() => a.gateways.problem?.code === 'ERR_NO_GATEWAY')
    expect(first.gateways.problem).toBeNull()
    await harbor.join('g1', first, serving)
    await until(() => (viewOf(a, b)?.via ?? []).length > 0)
    await until(() => a.gateways.problem === null, 'it has one, too')
  })
})

describe('a node that listens', () => {
  test('finds out from others that it is reached, and takes no gateway', async () => {
    const first = await harbor.found('first')
    await harbor.join('g1', first, serving)
    const b = await harbor.join('b', first)
    await until(() => b.gateways.isReachable === true)
    expect(b.gateways.places).toEqual([])
  })

  test('takes gateways when others cannot reach what it tells of itself', async () => {
    const first = await harbor.found('first')
    const g1 = await harbor.join('g1', first, serving)
    // Port 1 is nobody's: as a router that forwards nothing.
    const b = await harbor.join('b', first, { announce: ['/ip4/127.0.0.1/tcp/1'] })
    await until(() => b.gateways.isReachable === false)
    await until(() => b.gateways.places.join() === g1.self)
    await until(() => circuitsOf(first, b).length > 0)
  })

  test('takes them when its owner says so, and serves only by its role or its owner’s word', async () => {
    const first = await harbor.found('first')
    const g1 = await harbor.join('g1', first, serving)
    const b = await harbor.join('b', first, { gateway: { reachable: 'no', serves: null } })
    await until(() => b.gateways.places.join() === g1.self)
    expect(b.gateways.serving).toBeNull()
    expect(viewOf(b, g1)?.held?.record.report.features).toContain('gateway')
  })
})
