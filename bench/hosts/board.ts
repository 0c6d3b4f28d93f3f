/** The emulated board in figures: how soon its node is there, and what it weighs. `npm run board` tells the whole story. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { boardStory } from '../../test/board/story.ts'
import { ensureTools } from '../../test/board/tools.ts'
import type { BenchContext, Finding } from '../benchmark.ts'

export async function board({ root, say }: BenchContext): Promise<Finding[]> {
  await ensureTools(say)
  // The board runs what is installed, not what is built for this machine.
  const packed = spawnSync(process.execPath, [join(root, 'scripts/package.mjs')], { stdio: ['ignore', 2, 2] })
  if (packed.status !== 0) throw new Error('scripts/package.mjs failed')
  const { steps, measures } = await boardStory({ root, say })
  const failed = steps.find(({ ok }) => !ok)
  if (failed !== undefined) throw new Error(`${failed.title}: ${failed.lines.join(' ')}`)
  const valueOf = (metric: string): number => {
    const measure = measures.find((each) => each.metric === metric)
    if (measure === undefined) throw new Error(`the board measured no ${metric}`)
    return measure.value
  }
  const shared = { bench: 'hosts', op: '<=' } as const
  return [
    {
      ...shared,
      question: 'ARM board: start of the daemon to the app handling events, app cached',
      metric: 'board_start',
      value: valueOf('start'),
      unit: 's',
      samples: 3,
      rival: 'node -e 0',
      rivalValue: valueOf('node'),
      goalOf: 'ratio',
      goalValue: 6,
    },
    {
      ...shared,
      question: 'ARM board: idle PSS of the node with one app',
      metric: 'board_pss',
      value: valueOf('pss'),
      unit: 'MiB',
      samples: 1,
      rival: 'node, idle',
      rivalValue: valueOf('node-pss'),
      goalOf: 'value',
      goalValue: 70,
    },
  ]
}
