/** Whether a daemon runs on this data folder, and what it says is wrong. */
import type { Check } from '../contract.ts'

export const nodeCheck: Check = {
  name: 'node',
  summary: 'the daemon, and what it says is wrong',
  async run({ node, data, clock }) {
    if (node === null)
      return [
        {
          level: 'note',
          what: `no daemon runs on ${data}`,
          fix: `start one with selvedge up --data ${data}`,
        },
      ]
    const { self, problems } = node.status
    const minutes = Math.max(0, Math.round((clock.now() - self.startedAt) / 60_000))
    const what = `${self.name} runs selvedge ${self.version}, for ${minutes} min`
    return [
      { level: 'fine', what },
      ...problems.map(({ code, message, hint }) => ({
        level: 'wrong' as const,
        code,
        what: message,
        fix: hint,
      })),
    ]
  },
}
