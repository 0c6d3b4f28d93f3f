import { expect, it } from 'vitest'
import { memoryFolder, type Digest } from '../../../core/index.ts'
import { forgetLastGood, readAllLastGood, writeLastGood } from '../../../host/apps/last-good.ts'

const digest = (digit: string): Digest => digit.repeat(64) as Digest

it('what ran last is known of each app, but for those that were forgotten or whose file is damaged', async () => {
  const folder = memoryFolder()
  expect(await readAllLastGood(folder)).toEqual(new Map())
  for (const [app, digit] of Object.entries({ lamp: '1', 'door-2': '2', gone: '3', torn: '4' }))
    await writeLastGood(folder, app, digest(digit))
  await forgetLastGood(folder, 'gone')
  await folder.write('torn.last-good.json', new TextEncoder().encode('{"v":1,'))
  await folder.write('lamp.events.json', new TextEncoder().encode('{}'))
  expect(await readAllLastGood(folder)).toEqual(
    new Map([
      ['lamp', digest('1')],
      ['door-2', digest('2')],
    ]),
  )
})
