import { expect, it } from 'vitest'
import { SelvedgeError } from '../../../core/index.ts'
import { renderError } from '../../../host/cli/index.ts'

const withHint = (hint: string): string => renderError(new SelvedgeError('ERR_A', 'user', 'no', hint), false)

it('keeps the lines of a hint that are meant for a file, each on its own', () => {
  expect(withHint('add to the node’s TOML:\n[sensors.light]\ndriver = "simulated"')).toBe(
    'error[ERR_A]: no\nhint: add to the node’s TOML:\n  [sensors.light]\n  driver = "simulated"\n',
  )
})

it('shows of a hint neither control characters nor lines without end', () => {
  const text = withHint(`a\u001b[2J\rb\n${'x\n'.repeat(1_000)}`)
  expect(text).toContain('hint: a [2J b\n')
  expect(text.split('\n').length).toBeLessThan(50)
})

it('shows the beginning of what somebody typed without end', () => {
  const text = renderError(new SelvedgeError('ERR_A', 'user', `no ${'x'.repeat(70_000)}`, 'fix'), false)
  expect(text.length).toBeLessThan(5_000)
  expect(text).toMatch(/x…\nhint: fix\n$/)
})
