/** `npm run lab [WORDS]`: runs the lab's scenarios whose title holds the words, and prints what they saw. */
import { labObstacle } from './namespaces.ts'
import { scenarios } from './scenarios.ts'

export async function main({ root, args }: { root: string; args: string[] }): Promise<void> {
  const obstacle = labObstacle()
  if (obstacle !== null) {
    console.error(`error: there can be no lab here: ${obstacle}`)
    process.exitCode = 1
    return
  }
  const words = args.join(' ')
  const chosen = scenarios.filter(({ title }) => title.includes(words))
  if (chosen.length === 0) {
    console.error(`error: no scenario has ${JSON.stringify(words)} in its title`)
    console.error(`hint: there are\n${scenarios.map(({ title }) => `  ${title}`).join('\n')}`)
    process.exitCode = 2
    return
  }
  let failed = 0
  for (const { title, run } of chosen) {
    const startedAt = performance.now()
    const outcome = await run(root).then(
      (saw) => ({ sign: '✓', lines: saw }),
      (error: Error) => ({ sign: '✗', lines: error.message.split('\n') }),
    )
    if (outcome.sign === '✗') failed += 1
    console.log(`${outcome.sign} ${title} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`)
    for (const line of outcome.lines) console.log(`    ${line}`)
  }
  console.log(failed === 0 ? `all ${chosen.length} hold` : `${failed} of ${chosen.length} do not hold`)
  if (failed > 0) process.exitCode = 1
}
