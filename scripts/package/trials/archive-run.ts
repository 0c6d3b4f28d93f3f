/** The archive, unpacked, with the versions of Node.js that npm carries: those that it runs on, and older ones. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { nodeBinary } from './node-binary.ts'
import { expectText, missingTools, mustTell, tell, type Trial, type TrialContext } from './trial.ts'

const versions = ['18.20.8', '20.20.2', '22.23.3', '24.21.0', '26.10.0']
const tooOld = ['14.21.3', '16.20.2']

function unpacked({ archive, scratch, version }: TrialContext): string {
  mustTell(['tar', 'xzf', archive, '-C', scratch])
  return join(scratch, `selvedge-${version}`)
}

function eachVersion(context: TrialContext, list: readonly string[], run: (node: string) => void): void {
  for (const version of list) {
    const node = nodeBinary(context.root, version)
    if (node === null)
      context.say(`  Node.js ${version}: not tried, npm has no binary of it for this machine`)
    else {
      run(node)
      context.say(`  Node.js ${version}: as it should`)
    }
  }
}

const lacksNpm = (): string | null => (missingTools(['npm', 'tar']).length === 0 ? null : 'npm and tar')

/** Of the whole output. */
function oneLine(code: string): RegExp {
  return new RegExp(`^error\\[${code}\\]: .+\\nhint: .+\\n$`)
}

export const archiveRun: Trial = {
  name: 'the archive runs with `node selvedge.mjs`',
  lacks: lacksNpm,
  async run(context) {
    const folder = unpacked(context)
    eachVersion(context, versions, (node) => {
      const home = join(context.scratch, 'home')
      const options = { cwd: folder, env: { HOME: home, PATH: process.env['PATH'] ?? '' } }
      expectText(node, mustTell([node, 'selvedge.mjs', '--version'], options), /^selvedge \d/)
      // Starts a node, asks it, and ends it: what loads nearly every file of the program.
      const script = [
        '"$0" selvedge.mjs up --no-mdns --listen /ip4/127.0.0.1/tcp/0 & node=$!',
        'for i in $(seq 100); do "$0" selvedge.mjs status >/dev/null 2>&1 && break; sleep 0.2; done',
        '"$0" selvedge.mjs status; "$0" selvedge.mjs stop; wait $node',
      ].join('\n')
      expectText(node, mustTell(['sh', '-c', script, node], options), /this node/)
      rmSync(home, { recursive: true, force: true })
    })
  },
}

export const oldNode: Trial = {
  name: 'a Node.js that is too old, and a file that is missing, are told in a line',
  lacks: lacksNpm,
  async run(context) {
    const folder = unpacked(context)
    const refused = (node: string, code: string): void => {
      const { status, text } = tell([node, 'selvedge.mjs', 'up'], { cwd: folder })
      if (status !== 1) throw new Error(`${node}: it ended with ${status}`)
      expectText(node, text, oneLine(code))
    }
    eachVersion(context, tooOld, (node) => refused(node, 'ERR_NODE_TOO_OLD'))
    rmSync(join(folder, 'dist/queue.mjs'))
    refused(process.execPath, 'ERR_PROGRAM_INCOMPLETE')
  },
}
