import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { printJson, say } from '../print.ts'
import { ageText, sizeText } from '../text.ts'

export const build = defineCommand({
  name: 'build',
  summary: 'build the component of an app folder',
  arguments: [{ name: 'DIR', required: false, completes: 'folder' }],
  options: {},
  json: 'selvedge.build/1',
  usesNode: false,
  examples: [
    { line: 'build', says: 'the app in this folder' },
    { line: 'build components/light-alarm', says: 'the app in that one' },
  ],
  async run(context) {
    const { world, args, json } = context
    const { buildApp } = await import('../../build/index.ts')
    const result = await buildApp(resolve(world.cwd, args[0] ?? '.'), {
      progress: (step) => say(context, `  ${step}`),
      signal: world.signal,
    })
    if (json) printJson(context, 'selvedge.build/1', result)
    else {
      world.stdout.write(`${result.file}  ${sizeText(result.sizeBytes)}  ${ageText(result.ms)}\n`)
      for (const { file, sizeBytes } of result.variants)
        world.stdout.write(`${file}  ${sizeText(sizeBytes)}\n`)
    }
    return 0
  },
})
