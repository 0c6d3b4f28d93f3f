import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { guest } from '../../guests/index.ts'
import { testFolder } from '../../e2e/programs.ts'
import { run } from './fake-world.ts'

describe('`run --topic`', () => {
  it.each([
    ['run --topic a/b --invoke f x.wasm', /--topic and --invoke/],
    ['run --topic a/b x.wasm one two', /one argument too many: two/],
    ['run --json x.wasm', /--json is for --topic/],
    ['run --key k x.wasm', /--key is for --topic/],
    ['run --type t x.wasm', /--type is for --topic/],
    ['run --topic A/B x.wasm', /"A\/B" is no topic/],
    ['run --topic a/b --publish A/B x.wasm', /--publish "A\/B"/],
  ])('is refused as a wrong use: %s', async (typed, says) => {
    const { code, stderr } = await run(typed)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) as unknown })
  })

  it('says so where the file handles no messages, and what it exports', async () => {
    const file = join(await testFolder(), 'echo.wasm')
    await writeFile(file, await guest('echo'))
    const { code, stderr } = await run(['run', '--no-cache', '--topic', 'a/b', file])
    expect(code).toBe(1)
    expect(stderr).toMatch(/ERR_NO_MESSAGE_HANDLER.*exports no wasi:messaging\/incoming-handler; it exports/)
    expect(stderr).toMatch(/^hint: .*messaging-app/m)
  })
})
