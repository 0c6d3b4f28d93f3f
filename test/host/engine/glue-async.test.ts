/** What the engine changes in the glue of asynchronous components: every line that it looks for is there. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { outlineOf } from '../../../host/engine/component-reader.ts'
import { letGo } from '../../../host/engine/glue-async.ts'
import { tighten } from '../../../host/engine/glue.ts'
import { generateGlue } from '../../../host/engine/transpiler.ts'
import { compileGlue } from './glue-kit.ts'

async function glueOf(name: string): Promise<string> {
  const source = new URL(`../../guests/${name}.wat`, import.meta.url)
  const component = await parse(await readFile(source, 'utf8'))
  const { glue } = await generateGlue(component, { isAsync: true, imports: outlineOf(component).imports })
  return Buffer.from(glue).toString('utf8')
}

test('the generator writes the lines that every rewrite of streams, futures and tasks looks for', async () => {
  const { applied, plain, text } = tighten(await glueOf('p3-cat'))
  expect(plain).toBe(false)
  // A future of the guest's is given to no host by this one; `given future` stands in the glue of those that do.
  const missing = letGo.map(({ name }) => name).filter((name) => (applied.get(name) ?? 0) === 0)
  expect(missing).toEqual(['given future'])
  expect(() => compileGlue(text)).not.toThrow()
})

test('nothing in it looks again and again for what may never come', async () => {
  const { text } = tighten(await glueOf('p3-cat'))
  expect(text).not.toMatch(/let waitInterval = setInterval/)
})

test('a guest that only waits keeps glue that parses', async () => {
  const { applied, text } = tighten(await glueOf('p3-nap'))
  expect(applied.get('tick')).toBe(1)
  expect(() => compileGlue(text)).not.toThrow()
})
