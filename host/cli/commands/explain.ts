import { nearestName } from '../../../core/index.ts'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { table } from '../table.ts'
import { wrap } from '../text.ts'

export const explain = defineCommand({
  name: 'explain',
  summary: 'say what an error code means and what to do about it',
  arguments: [{ name: 'CODE', required: false }],
  options: {},
  json: 'selvedge.problems/1',
  usesNode: false,
  examples: [
    { line: 'explain ERR_IMPORTS_REFUSED', says: 'one code' },
    { line: 'explain', says: 'all of them' },
  ],
  async run(context) {
    const all = [...(await context.world.problems())].sort((one, other) => one.code.localeCompare(other.code))
    const { world, args, json } = context
    const typed = args[0]
    if (typed === undefined) {
      if (json) printJson(context, 'selvedge.problems/1', { problems: all })
      else world.stdout.write(table(all.map(({ code, text }) => [code, text])))
      return 0
    }
    const wanted = typed.toUpperCase()
    const found = all.find(({ code }) => code === wanted || code === `ERR_${wanted}`)
    if (found === undefined) {
      const meant = nearestName(
        wanted,
        all.map(({ code }) => code),
      )
      throw cliProblems.error('ERR_UNKNOWN_CODE', `no problem has the code ${typed}`, {
        hint: meant === null ? 'list all codes with `selvedge explain`' : `did you mean ${meant}?`,
      })
    }
    if (json) printJson(context, 'selvedge.problems/1', { problems: [found] })
    else
      world.stdout.write(
        `${found.code}\n\n${wrap(found.text, 80).join('\n')}\n\n${wrap(`what to do: ${found.fix}`, 80).join('\n')}\n`,
      )
    return 0
  },
})
