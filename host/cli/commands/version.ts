import { version as programVersion } from '../../version.ts'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'

export const version = defineCommand({
  name: 'version',
  summary: 'print the version of this program and of its Node.js',
  options: {},
  json: 'selvedge.version/1',
  usesNode: false,
  examples: [{ line: 'version', says: 'the same as selvedge --version' }],
  async run(context) {
    const facts = {
      version: programVersion,
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
    }
    if (context.json) printJson(context, 'selvedge.version/1', facts)
    else
      context.world.stdout.write(
        `selvedge ${facts.version} (Node.js ${facts.node}, ${facts.platform} ${facts.arch})\n`,
      )
    return 0
  },
})
