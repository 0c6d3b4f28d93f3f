/** Real processes: whether one stays alive is Node's to decide. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { transform } from 'esbuild'
import { expect, test } from 'vitest'

async function run(script: string): Promise<{ code: number; said: string }> {
  const source = await readFile(resolve(import.meta.dirname, '../../../host/cli/awake.ts'), 'utf8')
  const { code: awake } = await transform(source, { loader: 'ts', format: 'esm' })
  return new Promise((done) => {
    const args = ['--input-type=module', '--eval', `${awake}\n${script}`]
    const child = execFile(process.execPath, args, (_error, _stdout, said) =>
      done({ code: child.exitCode ?? -1, said }),
    )
  })
}

/** As a wait for a peer whose connection is gone: nothing but the deadline, which keeps no process alive. */
const wait = `const late = () => new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), 50).unref())
const tell = (error) => { console.error(error.message); return 1 }`

test('a deadline is heard where nothing else keeps the process alive', async () => {
  const { code, said } = await run(`${wait}\nprocess.exitCode = await awake(() => late().catch(tell))`)
  expect({ code, said }).toEqual({ code: 1, said: 'no answer\n' })
})

test('without it the program would end before its deadline, with a code of Node’s own', async () => {
  const { code, said } = await run(`${wait}\nprocess.exitCode = await late().catch(tell)`)
  expect(code).toBe(13)
  expect(said).not.toContain('no answer')
})

test('nothing is kept alive when the work is done', async () => {
  expect(await run('await awake(async () => {})')).toEqual({ code: 0, said: '' })
})
