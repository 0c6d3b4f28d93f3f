/** What a release says of its instances, and what is left to the node. */
import { describe, expect, it } from 'vitest'
import { instanceRules, mayBeAskedBack } from '../../../host/apps/instance-policy.ts'
import type { ReleaseRecord } from '../../../mesh/index.ts'

const rules = (instances: ReleaseRecord['instances'], answersRequests = false) =>
  instanceRules({ instances, triggers: [{ kind: 'http' }] } as unknown as ReleaseRecord, answersRequests)

describe('the instances of a release', () => {
  it('are one for events, and more where requests wait', () => {
    expect(rules({}).shape).toMatchObject({ min: 1, max: 1, maxDeaths: 1 })
    expect(rules({}, true).shape.max).toBeGreaterThanOrEqual(2)
  })

  it('have one call each where that may lead back to the app', () => {
    const asks = (grants: readonly string[], imports: readonly string[] = []): boolean =>
      mayBeAskedBack({ grants }, imports)
    const request = 'wasi:messaging/request-reply@0.2.0-draft'
    expect([asks(['call:thermo']), asks(['http:http://127.0.0.1:8080'])]).toEqual([true, true])
    expect([asks(['publish:shop/wish']), asks(['publish:shop/wish'], [request])]).toEqual([false, true])
    expect(asks(['sensor:light', 'pin:led', 'keyvalue:default'], [request])).toBe(false)
    const record = { triggers: [{ kind: 'http' }] } as unknown as ReleaseRecord
    expect(instanceRules(record, true, true).shape.ahead).toBe(1)
    expect(instanceRules(record, true, false).shape.ahead).toBeUndefined()
  })

  it('are as many as it says at least, though it sets no bound', () => {
    expect(rules({ min: 100 }, true).shape).toMatchObject({ min: 100, max: 100 })
    expect(rules({ min: 3 }).shape).toMatchObject({ min: 3, max: 3 })
    expect(rules({ min: 0 }, true).shape.min).toBe(0)
  })
})
