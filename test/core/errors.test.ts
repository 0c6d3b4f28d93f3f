import { expect, it } from 'vitest'
import {
  defineProblems,
  digestOf,
  isDigest,
  isSelvedgeError,
  messageOf,
  shortDigest,
} from '../../core/index.ts'

const table = defineProblems({
  ERR_TEST_PORT: { kind: 'user', text: 'a port is in use', fix: 'choose another port' },
})

it('an error of a table has its code, kind and fix, and says what happened', () => {
  const cause = new Error('EADDRINUSE')
  const error = table.error('ERR_TEST_PORT', 'port 4001 is in use', { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'SelvedgeError',
    code: 'ERR_TEST_PORT',
    kind: 'user',
    message: 'port 4001 is in use',
    hint: 'choose another port',
    cause,
  })
})

it('a particular case may know a better hint, and has no cause where nothing caused it', () => {
  const error = table.error('ERR_TEST_PORT', 'port 80 is in use', { hint: 'stop the web server' })
  expect(error.hint).toBe('stop the web server')
  expect('cause' in error).toBe(false)
})

it('errors of ours are told by code, never by text', () => {
  const error = table.error('ERR_TEST_PORT', 'x')
  expect(isSelvedgeError(error)).toBe(true)
  expect(isSelvedgeError(error, 'ERR_OTHER', 'ERR_TEST_PORT')).toBe(true)
  expect(isSelvedgeError(error, 'ERR_OTHER')).toBe(false)
  expect(isSelvedgeError(Object.assign(new Error('x'), { code: 'ERR_TEST_PORT' }))).toBe(false)
})

it('anything thrown has a message', () => {
  expect(messageOf(new Error('a'))).toBe('a')
  expect(messageOf('b')).toBe('b')
  expect(messageOf(undefined)).toBe('undefined')
})

it('a digest is lower-case hexadecimal SHA-256', () => {
  const digest = digestOf(new TextEncoder().encode('abc'))
  expect(digest).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(shortDigest(digest)).toBe('ba7816bf')
  expect(isDigest(digest)).toBe(true)
  for (const other of [digest.toUpperCase(), digest.slice(1), `${digest}0`, `${digest}\n`, 7, null]) {
    expect(isDigest(other)).toBe(false)
  }
})
