/** What an app may call of other apps, by name and through links, and what it is told when nothing comes of it. */
import { describe, expect, it } from 'vitest'
import { SelvedgeError } from '../../../core/index.ts'
import { WitError, type BoundFunction, type GuestCaller, type WitShape } from '../../../host/engine/index.ts'
import {
  bindInterfaces,
  checkLinks,
  grantedInterfaces,
  type AppContext,
  type OutgoingCall,
} from '../../../host/interfaces/index.ts'
import { appContext } from './app-context.ts'

const callId = 'selvedge:edge/call@0.1.0'
const api = 'acme:thermo/api@1.0.0'

/** The functions of an interface as the guest has them, and what they asked of the mesh. */
function bound(
  id: string,
  answer: (call: OutgoingCall) => unknown,
  { grants = ['call:thermo'], err = { kind: 'string' } as WitShape | null, hasResult = true } = {},
) {
  const asked: OutgoingCall[] = []
  const logged: string[] = []
  const context: Partial<AppContext> = {
    callees: new Set(['thermo']),
    log: (_level, _context, message) => void logged.push(message),
    call: async (call) => {
      asked.push(call)
      return { value: answer(call) }
    },
  }
  const result: WitShape | null = hasResult ? { kind: 'result', ok: { kind: 'f64' }, err } : { kind: 'f64' }
  const functions = {
    exports: [],
    imports: [
      {
        id: api,
        functions: [
          {
            name: 'to-fahrenheit',
            signature: {
              kind: 'function' as const,
              parameters: [{ name: 'celsius', type: { kind: 'f64' as const } }],
              result,
            },
          },
        ],
      },
    ],
  }
  const interfaces = bindInterfaces(grants, appContext(context), { links: { [api]: 'thermo' }, functions })
  const found = interfaces.find((one) => one.id === id)
  const run = (name: string, args: readonly unknown[], caller?: GuestCaller): Promise<unknown> =>
    Promise.resolve((found?.functions ?? {})[name] as BoundFunction).then((bound) => bound.run(args, caller))
  return { run, asked, logged, isThere: found !== undefined }
}

const failing = (code: string) => (): never => {
  throw new SelvedgeError(code, 'remote', 'it is not there', 'wait')
}
const refusal = (payload: unknown) => new WitError(payload)
const caller = (leftMs: number, hops?: number): GuestCaller => ({
  remainingMs: () => leftMs,
  hopsLeft: () => hops,
  gone: new AbortController().signal,
})

describe('a call by name', () => {
  it('asks the node of the called app, and gives the text that comes back', async () => {
    const { run, asked } = bound(callId, () => ({ target: 't', isError: false, text: '212' }))
    expect(await run('call', ['thermo', 'to-fahrenheit', '100'])).toBe('212')
    expect(asked).toEqual([
      {
        app: 'thermo',
        target: 'selvedge:node/functions@0.1.0#call',
        args: [{ function: 'to-fahrenheit', arguments: '100', form: 'wave' }],
        caller: 'test-app',
      },
    ])
  })

  it('of an app that was not granted is refused, and nobody is asked', async () => {
    const { run, asked } = bound(callId, () => '')
    await expect(run('call', ['other', 'f', ''])).rejects.toEqual(refusal({ tag: 'not-granted' }))
    expect(asked).toEqual([])
  })

  it('cannot even be imported without a grant', () => {
    expect(grantedInterfaces([])).not.toContain(callId)
    expect(grantedInterfaces(['call:thermo'])).toContain(callId)
  })

  it('takes less than what is left of its caller’s time, and no more hops', async () => {
    const { run, asked } = bound(callId, () => ({ isError: false, text: '' }))
    await run('call', ['thermo', 'f', ''], caller(500, 3))
    const options = { deadlineMs: 200, key: 'room-1', form: 'json' }
    await run('call-with', ['thermo', 'f', '[]', options], caller(5_000))
    expect(asked).toMatchObject([
      { deadlineMs: 450, hops: 3 },
      { deadlineMs: 200, key: 'room-1', args: [{ form: 'json' }] },
    ])
  })

  it.each([
    ['ERR_CALL_APP', { tag: 'not-found', val: 'it is not there' }],
    ['ERR_CALL_ARGUMENTS', { tag: 'invalid-arguments', val: 'it is not there; wait' }],
    ['ERR_CALL_SCOPE', { tag: 'refused', val: 'it is not there' }],
    ['ERR_CALL_NOWHERE', { tag: 'unavailable', val: 'it is not there' }],
    ['ERR_APP_BUSY', { tag: 'unavailable', val: 'it is not there' }],
    ['ERR_CALL_DEADLINE', { tag: 'timeout' }],
    ['ERR_APP_TRAP', { tag: 'failed', val: 'it is not there' }],
  ])('that comes to nothing by %s is told as an error, and does not end the app', async (code, payload) => {
    const { run } = bound(callId, failing(code))
    await expect(run('call', ['thermo', 'f', ''])).rejects.toEqual(refusal(payload))
  })

  it('gives the function’s own error as one', async () => {
    const { run } = bound(callId, () => ({ isError: true, text: '"too hot"' }))
    await expect(run('call', ['thermo', 'f', ''])).rejects.toEqual(
      refusal({ tag: 'returned', val: '"too hot"' }),
    )
  })

  it('believes no node that answers with something else', async () => {
    const { run } = bound(callId, () => ({ text: 7 }))
    await expect(run('call', ['thermo', 'f', ''])).rejects.toMatchObject({ payload: { tag: 'failed' } })
  })
})

describe('a link', () => {
  it('passes values as they are', async () => {
    const { run, asked } = bound(api, () => 212)
    expect(await run('to-fahrenheit', [100], caller(1_000))).toBe(212)
    expect(asked).toMatchObject([
      { app: 'thermo', target: `${api}#to-fahrenheit`, args: [100], deadlineMs: 900 },
    ])
  })

  it('is not there without the grant of its app', () => {
    expect(bound(api, () => 1, { grants: ['call:other'] }).isThere).toBe(false)
    expect(grantedInterfaces([], { [api]: 'thermo' })).not.toContain(api)
    expect(grantedInterfaces(['call:thermo'], { [api]: 'thermo' })).toContain(api)
  })

  it('never stands for an interface that is the node’s to give', () => {
    const id = 'wasi:cli/environment@0.2.12'
    const links = { [id]: 'thermo', 'selvedge:device/pins@0.1.0': 'thermo' }
    expect(grantedInterfaces(['call:thermo'], links)).toEqual(grantedInterfaces(['call:thermo']))
  })

  it('gives the called function’s own error as its own', async () => {
    const { run } = bound(api, () => {
      throw new WitError('too hot')
    })
    await expect(run('to-fahrenheit', [1])).rejects.toEqual(refusal('too hot'))
  })

  it.each<[WitShape, unknown]>([
    [{ kind: 'string' }, 'it is not there'],
    [
      {
        kind: 'variant',
        members: [
          { name: 'too-hot', type: null },
          { name: 'unavailable', type: { kind: 'string' } },
        ],
      },
      { tag: 'unavailable', val: 'it is not there' },
    ],
    [{ kind: 'enum', names: ['too-hot', 'other'] }, 'other'],
  ])('that leads nowhere is told in the function’s own type of error: %j', async (err, payload) => {
    const { run, logged } = bound(api, failing('ERR_CALL_NOWHERE'), { err })
    await expect(run('to-fahrenheit', [1])).rejects.toEqual(refusal(payload))
    expect(logged).toEqual([`${api}#to-fahrenheit of thermo: it is not there`])
  })

  it('that leads nowhere ends an app whose function has no way to say so', async () => {
    const { run } = bound(api, failing('ERR_CALL_NOWHERE'), { hasResult: false })
    await expect(run('to-fahrenheit', [1])).rejects.toThrow('came to nothing')
    await expect(run('to-fahrenheit', [1])).rejects.not.toBeInstanceOf(WitError)
  })

  it('takes nothing for a result that is none of its type', async () => {
    const { run } = bound(api, () => 'warm')
    await expect(run('to-fahrenheit', [1])).rejects.toMatchObject({
      payload: expect.stringContaining('not of the type') as string,
    })
  })

  it('whose functions pass resources is refused before anything runs', () => {
    const functions = (type: WitShape | null) => ({
      exports: [],
      imports: [
        {
          id: api,
          functions: [
            {
              name: 'take',
              signature: { kind: 'function' as const, parameters: [{ name: 'it', type }], result: null },
            },
          ],
        },
      ],
    })
    const check = (type: WitShape | null) => () =>
      checkLinks({ [api]: 'thermo' }, ['call:thermo'], { functions: functions(type), imports: [api] })
    expect(check({ kind: 'list', item: { kind: 'handle' } })).toThrow(
      `take of ${api} pass resources or streams`,
    )
    expect(check(null)).toThrow('pass resources')
    expect(check({ kind: 'list', item: { kind: 'u8' } })).not.toThrow()
  })
})
