import { expect, test } from 'vitest'
import { ToldFailures, toldEveryMs } from '../../../host/run/told-failures.ts'
import { FakeClock } from '../fake-clock.ts'

function telling(): { clock: FakeClock; told: string[]; failures: ToldFailures } {
  const clock = new FakeClock()
  const told: string[] = []
  return { clock, told, failures: new ToldFailures(clock, (line) => void told.push(line)) }
}

test('a crowd that is turned away is one line, and a count when the pause is over', async () => {
  const { clock, told, failures } = telling()
  for (let n = 0; n < 1_000; n++) failures.failed('ERR_APP_BUSY', `GET /${n}: ERR_APP_BUSY: busy`)
  expect(told).toEqual(['GET /0: ERR_APP_BUSY: busy'])
  await clock.advance(toldEveryMs)
  expect(told.slice(1)).toEqual(['ERR_APP_BUSY: 999 more in the last 5 s'])
  failures.failed('ERR_APP_BUSY', 'not told yet')
  await clock.advance(toldEveryMs)
  expect(told.slice(2)).toEqual(['ERR_APP_BUSY: 1 more in the last 5 s'])
})

test('what fails now and then is told each time', async () => {
  const { clock, told, failures } = telling()
  for (const line of ['a', 'b', 'c']) {
    failures.failed('ERR_HTTP_APP', line)
    await clock.advance(toldEveryMs)
  }
  expect(told).toEqual(['a', 'b', 'c'])
})

test('one kind of failure does not hide another', () => {
  const { told, failures } = telling()
  failures.failed('ERR_APP_BUSY', 'busy')
  failures.failed('ERR_APP_TRAP', 'trapped')
  expect(told).toEqual(['busy', 'trapped'])
})
