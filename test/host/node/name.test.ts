import { expect, it } from 'vitest'
import { nameFrom } from '../../../host/node/membership.ts'

it('a node is called what its machine is called, as far as that can be a name', () => {
  expect(nameFrom('Garage-1.local')).toBe('garage-1')
  expect(nameFrom('my_board')).toBe('my-board')
})

it('a container whose name is a number has a name as well', () => {
  expect(nameFrom('74c8ede84dca')).toBe('node-74c8ede84dca')
  expect(nameFrom('9'.repeat(64))).toBe(`node-${'9'.repeat(58)}`)
})

it('nothing is made up where nothing is left of it', () => {
  expect(() => nameFrom('___')).toThrow(expect.objectContaining({ code: 'ERR_NODE_NAME' }) as Error)
  expect(() => nameFrom('')).toThrow(expect.objectContaining({ code: 'ERR_NODE_NAME' }) as Error)
})
