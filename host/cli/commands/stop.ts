import { isSelvedgeError } from '../../../core/index.ts'
import { defineCommand } from '../command.ts'
import { cliProblems } from '../problems.ts'
import { sleep } from '../sleep.ts'

const deadlineMs = 15_000
const lookEveryMs = 50

export const stop = defineCommand({
  name: 'stop',
  summary: 'stop the node of a data folder, and wait until it has',
  options: {},
  json: null,
  usesNode: true,
  examples: [{ line: 'stop --data ./node-1', says: 'end that daemon cleanly' }],
  async run({ world, client }) {
    const { self } = await client.status()
    await client.stop()
    const startedAt = world.clock.monotonicMs()
    while (world.clock.monotonicMs() - startedAt < deadlineMs) {
      const gone = await client.status().then(
        () => false,
        // A socket that closes in mid-answer is a daemon on its way out: look again.
        (error: unknown) => isSelvedgeError(error, 'ERR_NODE_NOT_RUNNING'),
      )
      if (gone) {
        world.stdout.write(`${self.name} has stopped\n`)
        return 0
      }
      await sleep(lookEveryMs, world.signal)
    }
    throw cliProblems.error(
      'ERR_NOT_IN_TIME',
      `${self.name} was told to stop and still answers after ${deadlineMs / 1000} s`,
      {
        hint: 'look at its log for the part that does not stop; SIGKILL loses nothing that was acknowledged',
      },
    )
  },
})
