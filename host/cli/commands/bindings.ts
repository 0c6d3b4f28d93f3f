import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'

export const bindings = defineCommand({
  name: 'bindings',
  summary: 'write what an app’s source sees of its WIT world',
  details:
    'Every build writes them. Run it after a change of the world or of wit/, so that the editor knows the new types before the app builds.',
  arguments: [{ name: 'DIR', required: false, completes: 'folder' }],
  options: {},
  json: 'selvedge.bindings/1',
  usesNode: false,
  examples: [
    { line: 'bindings', says: 'for the app in this folder' },
    { line: 'bindings components/light-alarm', says: 'for the app in that one' },
  ],
  async run(context) {
    const { world, args, json } = context
    const { writeBindings } = await import('../../build/index.ts')
    const result = await writeBindings(resolve(world.cwd, args[0] ?? '.'))
    if (json) printJson(context, 'selvedge.bindings/1', result)
    else world.stdout.write(`${result.folder}  ${result.files.length} files for world ${result.world}\n`)
    return 0
  },
})
