import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyPairFromSeed } from '../../../core/index.ts'
import { encodeDeployKey, readDeployKey } from '../../../mesh/identity/index.ts'
import {
  openKey,
  openSeed,
  parseKeyFile,
  writeHiddenKey,
  writeOpenKey,
} from '../../../mesh/identity/key-file.ts'
import { seededRandom } from './harness.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error
const header = { role: 'publisher', label: 'ci', mesh: 'ab'.repeat(32), name: 'harbor' } as const
const seed = seededRandom('seed').bytes(32)
/** Cheap to guess, and quick: what the format does is the same. */
const cost = { n: 16, r: 1, p: 1 }
const hide = (passphrase = 'correct horse', of: Uint8Array = seed) =>
  writeHiddenKey(header, of, { passphrase, random: seededRandom('salt'), cost })
const open = (text: string, passphrase: string | null) =>
  openSeed(parseKeyFile(text, 'a.key'), 'a.key', async () => passphrase)

describe('a key file', () => {
  it('gives back what was written, open and encrypted, for any seed, name and passphrase', async () => {
    const text = fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.string({ maxLength: 40 }),
        text,
        async (bytes, name, passphrase) => {
          const key = { ...header, name }
          const opened = parseKeyFile(writeOpenKey(key, bytes), 'a.key')
          expect(opened).toMatchObject({ header: key, isEncrypted: false })
          const hidden = parseKeyFile(
            await writeHiddenKey(key, bytes, { passphrase, random: seededRandom(name), cost }),
            'a.key',
          )
          expect(hidden).toMatchObject({ header: opened.header, isEncrypted: true })
          expect(await openSeed(hidden, 'a.key', async () => passphrase)).toEqual(bytes)
          expect(await openSeed(opened, 'a.key', async () => null)).toEqual(bytes)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('takes a passphrase as it was meant, however its letters were typed', async () => {
    const text = await hide('caf\u00e9 au lait')
    expect(await open(text, 'cafe\u0301 au lait')).toEqual(seed)
  })

  it('shows nothing of its seed where it is encrypted', async () => {
    const text = await hide()
    for (const form of ['base64url', 'base64', 'hex'] as const) {
      expect(text).not.toContain(Buffer.from(seed).toString(form).slice(0, 12))
    }
  })

  it('does not open with a wrong passphrase, or with nobody to ask', async () => {
    const text = await hide()
    await expect(open(text, 'wrong horse')).rejects.toThrow('does not open a.key')
    await expect(open(text, 'wrong horse')).rejects.toThrow(failing('ERR_KEY_PASSPHRASE'))
    await expect(open(text, '')).rejects.toThrow(failing('ERR_KEY_PASSPHRASE'))
    await expect(open(text, null)).rejects.toThrow('no passphrase was given')
    await expect(open(text, 'x'.repeat(1_025))).rejects.toThrow('1024 are allowed')
    await expect(hide('short')).rejects.toThrow(failing('ERR_KEY_PASSPHRASE'))
  })

  it('does not open when any part of it was exchanged', async () => {
    const file = JSON.parse(await hide()) as Record<string, unknown>
    const other = keyPairFromSeed(new Uint8Array(32)).publicKey
    for (const changes of [
      { role: 'root' },
      { label: 'other' },
      { mesh: 'cd'.repeat(32) },
      { name: 'other' },
      { publicKey: Buffer.from(other).toString('hex') },
      { nonce: 'A'.repeat(16) },
      { sealed: 'A'.repeat(64) },
      { kdf: { ...(file.kdf as object), n: 32 } },
    ]) {
      const text = JSON.stringify({ ...file, ...changes })
      await expect(open(text, 'correct horse'), JSON.stringify(changes)).rejects.toThrow(
        failing('ERR_KEY_PASSPHRASE'),
      )
    }
  })

  it.each<[string, object]>([
    ['more memory than there may be', { n: 262_144, r: 16 }],
    ['a number of rounds that is no power of two', { n: 1_000 }],
    ['a number of rounds beyond the limit', { n: 524_288 }],
    ['work without end', { n: 131_072, r: 8, p: 16 }],
    ['a negative cost', { p: -1 }],
    ['another way to stretch', { name: 'none' }],
    ['a short salt', { salt: 'AAAA' }],
  ])('that asks for %s is refused before any work is done', async (_, changes) => {
    const file = JSON.parse(await hide()) as Record<string, unknown>
    let asked = 0
    const opened = async () => {
      const text = JSON.stringify({ ...file, kdf: { ...(file.kdf as object), ...changes } })
      return openKey(parseKeyFile(text, 'a.key'), 'a.key', async () => {
        asked += 1
        return 'correct horse'
      })
    }
    await expect(opened()).rejects.toThrow(failing('ERR_KEY_DAMAGED'))
    expect(asked).toBe(0)
  })

  it('is refused, without a word of what it holds, where its parts do not fit', () => {
    const file = JSON.parse(writeOpenKey(header, seed)) as Record<string, string>
    for (const changes of [
      { seed: file.seed!.slice(1) },
      { seed: `${file.seed!.slice(0, -1)}!` },
      { publicKey: 'ab'.repeat(32) },
      { format: 'selvedge-key/3' },
      { role: 'owner' },
      { label: '../root' },
    ]) {
      const read = () => parseKeyFile(JSON.stringify({ ...file, ...changes }), 'a.key')
      expect(read).toThrow(failing('ERR_KEY_DAMAGED'))
      try {
        read()
      } catch (error) {
        expect(JSON.stringify(error) + (error as Error).message).not.toContain(file.seed!.slice(1, 12))
      }
    }
  })

  it('of the first format, which has neither name nor public key, is read', () => {
    const { role, mesh, name } = header
    const text = JSON.stringify({
      format: 'selvedge-key/1',
      role,
      mesh,
      name,
      seed: Buffer.from(seed).toString('base64url'),
    })
    expect(parseKeyFile(text, 'a.key')).toMatchObject({ header: { label: '', role }, isEncrypted: false })
  })
})

describe('a deploy key', () => {
  const meshId = createHash('sha256').update('mesh').digest('hex')
  const text = encodeDeployKey({ meshId, seed })

  it('is one line that names its mesh, and signs as its seed does', () => {
    expect(text).toMatch(/^selvedge-deploy-1\.[A-Za-z0-9_-]+$/)
    const { key, meshId: of } = readDeployKey(`${text}\n`)
    expect([of, key.publicKey]).toEqual([meshId, keyPairFromSeed(seed).publicKey])
  })

  it('is refused when a character is wrong, missing or too many, and never shown', () => {
    const wrong = [text.slice(0, -1), `${text}A`, text.replace('deploy', 'invite'), '', 'x'.repeat(10_000)]
    for (let at = 18; at < text.length; at += 5) {
      wrong.push(text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1))
    }
    for (const line of wrong) {
      let message = ''
      try {
        readDeployKey(line)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_KEY_TEXT' })
        message = (error as Error).message
      }
      expect(message).not.toBe('')
      expect(message).not.toContain(text.slice(18, 30))
    }
  })
})
