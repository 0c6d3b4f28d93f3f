import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { stringify } from 'smol-toml'
import * as v from 'valibot'
import { isSelvedgeError, SelvedgeError } from '../../../core/index.ts'
import { checkToml, maxTomlLength, parseToml } from '../../../host/toml/index.ts'

const schema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z]+$/, 'is no name; use small letters')),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 80),
  mode: v.optional(v.picklist(['fast', 'careful']), 'careful'),
  limits: v.optional(v.strictObject({ memory: v.optional(v.string(), '1 MiB') }), {}),
  triggers: v.optional(
    v.array(
      v.variant('kind', [
        v.strictObject({ kind: v.literal('sensor'), every: v.string() }),
        v.strictObject({ kind: v.literal('timer'), cron: v.string() }),
      ]),
    ),
    [],
  ),
  sensors: v.optional(v.record(v.string(), v.strictObject({ driver: v.string() })), {}),
})

function refusal(text: string): { code: string; message: string; hint: string } {
  try {
    parseToml(text, 'node.toml', schema)
  } catch (error) {
    if (isSelvedgeError(error)) return error
    throw error
  }
  throw new Error('it was accepted')
}

it('a check of what another made of a value names the value as it was written', () => {
  const seconds = v.pipe(
    v.string(),
    v.transform((text) => Number.parseInt(text, 10) * 1_000),
    v.check((ms) => ms >= 10_000, 'is too short; write "10s" or more'),
  )
  const result = checkToml('wait = "3s"', v.strictObject({ wait: seconds }))
  expect(result).toMatchObject({ findings: [{ problem: '"3s" is too short' }] })
})

describe('a file that fits', () => {
  it('comes back with its defaults filled in', () => {
    expect(parseToml('name = "a"', 'node.toml', schema)).toEqual({
      name: 'a',
      port: 80,
      mode: 'careful',
      limits: { memory: '1 MiB' },
      triggers: [],
      sensors: {},
    })
  })
})

describe('a file that does not fit', () => {
  it('names file, field and nearest known name of an unknown key', () => {
    const error = refusal('name = "a"\n[limits]\nmemroy = "2 MiB"')
    expect(error.code).toBe('ERR_TOML')
    expect(error.message).toBe('node.toml: limits.memroy: unknown key; did you mean "memory"?')
    expect(error.hint).toBe('write "memory"')
  })

  it('lists the known keys where no name is near', () => {
    expect(refusal('name = "a"\nxylophone = 1').hint).toBe(
      'use "name", "port", "mode", "limits", "triggers" or "sensors", or remove the line',
    )
  })

  it('names every unknown key, also in lists, variants and named tables', () => {
    const error = refusal(`
      name = "a"
      prt = 1
      [[triggers]]
      kind = "sensor"
      evry = "1s"
      [sensors.light]
      driver = "system"
      drvr = "x"`)
    expect(error.message).toContain('prt: unknown key; did you mean "port"?')
    expect(error.message).toContain('triggers[0].evry: unknown key; did you mean "every"?')
    expect(error.message).toContain('sensors.light.drvr: unknown key; did you mean "driver"?')
    // The misspelt key is the finding; that the right one is missing follows from it.
    expect(error.message).toContain('node.toml has 3 problems:')
  })

  it.each([
    ['port = 1', 'name: is missing'],
    ['name = 3', 'name: expected a text in quotes, found 3'],
    ['name = "A"', 'name: "A" is no name'],
    ['name = "a"\nmode = "fats"', 'mode: "fats" is not known; did you mean "fast"?'],
    ['name = "a"\nport = 1.5', 'port: expected a whole number, found 1.5'],
    ['name = "a"\nport = -1', 'port: expected >=1, found -1'],
    ['name = "a"\nlimits = 3', 'limits: expected a table, found 3'],
    [
      'name = "a"\n[[triggers]]\nkind = "sensr"',
      'triggers[0].kind: "sensr" is not known; did you mean "sensor"?',
    ],
  ])('says what is wrong with %j', (text, message) => {
    expect(refusal(text).message).toBe(`node.toml: ${message}`)
  })

  it('takes the remedy from behind the semicolon of a message', () => {
    expect(refusal('name = "A"').hint).toBe('use small letters')
  })

  it('points at the line of a syntax error', () => {
    const error = refusal('name = "a"\nport = = 1\n')
    expect(error.message).toMatch(/^node\.toml: line 2, column 8: /)
    expect(error.message).toContain('port = = 1')
  })

  it('does not let a key named __proto__ through', () => {
    expect(refusal('name = "a"\n[__proto__]\nport = 5').code).toBe('ERR_TOML')
  })

  it('is refused unread when it is too long', () => {
    expect(refusal(`name = "a" # ${'x'.repeat(maxTomlLength)}`).message).toContain(
      `more than ${maxTomlLength}`,
    )
  })

  it('shows at most twenty findings and cuts long values', () => {
    const keys = Array.from({ length: 50 }, (_, index) => `k${index} = 1`).join('\n')
    expect(refusal(`${keys}\nname = "a"`).message.split('\n')).toHaveLength(21)
    expect(refusal(`name = "${'X'.repeat(500)}"`).message.length).toBeLessThan(100)
  })

  it('can be refused under the code of the caller', () => {
    const read = (): unknown =>
      parseToml('port = 1', 'app.toml', schema, (message, hint) => {
        return new SelvedgeError('ERR_MINE', 'user', message, hint)
      })
    expect(read).toThrow(expect.objectContaining({ code: 'ERR_MINE', message: 'app.toml: name: is missing' }))
  })
})

describe('any document', () => {
  it('is accepted or answered with findings, never with another exception', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.double({ noNaN: true }))
    const key = fc.oneof(
      fc.constantFrom('name', 'port', 'triggers', 'kind', 'limits', 'sensors'),
      fc.string(),
    )
    const { document } = fc.letrec<{ document: Record<string, unknown>; value: unknown }>((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('document')),
      document: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    }))
    fc.assert(
      fc.property(document, (value) => {
        const result = checkToml(stringify(value), schema)
        expect('value' in result || result.findings.length > 0).toBe(true)
      }),
    )
  })

  it('of bare text never throws anything but findings', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => void checkToml(text, schema)))
  })
})
