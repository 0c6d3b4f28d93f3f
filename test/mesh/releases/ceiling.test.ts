import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBelow } from '../../../mesh/releases/ceiling.ts'

describe('a publisher that may give', () => {
  test.each([
    ['network:tcp-connect', 'network:tcp-connect'],
    ['network:tcp-connect', 'network:tcp-connect:db.example:5432'],
    ['network:tcp-connect', 'network:tcp-connect:[2001:db8::1]:443'],
    ['network:tcp-*', 'network:tcp-listen:*:8080'],
    ['network:*-connect', 'network:tcp-connect:db.example:5432'],
    ['network:tcp-connect:*:443', 'network:tcp-connect:api.example:443'],
    ['network:udp', 'network:udp:10.1.0.0/16:5000-5010'],
    ['network:udp', 'network:udp-listen'],
    ['network:udp', 'network:udp-listen:*:5353'],
    ['sensor:*', 'sensor:light'],
    ['*', 'network:lookup:db.example'],
  ])('%s may give %s', (pattern, grant) => {
    expect(isBelow(['pin:led', pattern], grant)).toBe(true)
  })

  test.each([
    ['network:tcp-connect:db.example:5432', 'network:tcp-connect'],
    ['network:tcp-connect:db.example:5432', 'network:tcp-connect:db.example:54321'],
    ['network:tcp-connect', 'network:tcp-connector:db.example:5432'],
    ['network:tcp-connect', 'network:tcp-listen:*:8080'],
    ['network:udp-listen', 'network:udp'],
    ['network:tcp-connect', 'network:lookup:db.example'],
    // Another port is another origin.
    ['http:https://api.example', 'http:https://api.example:8443'],
    ['sensor:light', 'sensor:light:raw'],
    ['network', 'network:udp'],
  ])('%s may not give %s', (pattern, grant) => {
    expect(isBelow([pattern], grant)).toBe(false)
  })

  test('a use may give whatever narrows it, and nothing of another use', () => {
    const uses = ['tcp-connect', 'tcp-listen', 'udp', 'udp-listen', 'lookup'] as const
    const use = fc.constantFrom(...uses)
    fc.assert(
      fc.property(use, use, fc.string({ minLength: 1 }), (given, asked, goal) => {
        const covers = given === asked || (given === 'udp' && asked === 'udp-listen')
        expect(isBelow([`network:${given}`], `network:${asked}:${goal}`)).toBe(covers)
      }),
    )
  })
})
