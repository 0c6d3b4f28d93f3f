import { nearestName } from '../../../core/index.ts'
import type { AppWhy, ControlClient, NodeWhy } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { renderAppWhy, renderNodeWhy, type WhyView } from '../render-why.ts'
import { plain } from '../text.ts'
import { utcOffsetAt } from '../time-text.ts'
import { linesWith, watch } from '../watch.ts'
import { appExitCodeOf, explainApp } from '../why-app.ts'
import { exitCodeOf, explainNode } from '../why-node.ts'

const schema = 'selvedge.why/1'

type Answer =
  | { readonly about: 'node'; readonly why: NodeWhy }
  | { readonly about: 'app'; readonly why: AppWhy }

export const why = defineCommand({
  name: 'why',
  summary: 'say why a node is alive or dead, or why an app runs where it does',
  details:
    'For a node: the verdict, who last heard what from whom and when, what the node said itself, and what to do next. ' +
    'For an app: where it runs, and why not elsewhere. Any node can be asked; it tells what it holds, with its age. ' +
    'Exit status: 0 all is well, or the node left on purpose; 1 something is wrong; 3 not decided yet: a node is ' +
    'suspect, or an app is on its way.',
  arguments: [{ name: 'NODE|APP', required: true, completes: 'subject' }],
  options: {
    app: { kind: 'flag', help: 'the name is an app’s, where a node is called the same' },
    watch: { kind: 'flag', short: 'w', help: 'draw it again every second, until Ctrl-C' },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'why garage-1', says: 'who says that it is dead, and since when' },
    { line: 'why light-alarm', says: 'where an app runs, and why not elsewhere' },
    { line: 'why garage-1 --watch', says: 'live, while somebody is at its cable' },
  ],
  async run(context) {
    const { world, client, options, args, json } = context
    const [name = ''] = args
    const look = await lookerFor(client, name, options.app)
    if (options.watch) {
      await watch<Answer>(
        world,
        {
          look,
          draw: (answer, _ageMs, filter) => linesWith(render(answer, viewOf(context)), filter),
          changes: (before, answer) => {
            if (json) return `${JSON.stringify({ schema, ...documentOf(answer, viewOf(context)) })}\n`
            const isNew = before === null || signatureOf(before) !== signatureOf(answer)
            return isNew ? `${render(answer, viewOf(context))}\n` : ''
          },
        },
        json,
      )
      return 0
    }
    const answer = await look()
    if (json) printJson(context, schema, documentOf(answer, viewOf(context)))
    else world.stdout.write(render(answer, viewOf(context)))
    return answer.about === 'node' ? exitCodeOf(answer.why) : appExitCodeOf(answer.why)
  },
})

function viewOf({
  world: { stdout, clock },
}: {
  readonly world: {
    readonly stdout: { readonly width: number; readonly colour: boolean }
    readonly clock: { now(): number }
  }
}): WhyView {
  const now = clock.now()
  return { now, utcOffset: utcOffsetAt(now), width: stdout.width, colour: stdout.colour }
}

function render(answer: Answer, view: WhyView): string {
  return answer.about === 'node' ? renderNodeWhy(answer.why, view) : renderAppWhy(answer.why, view)
}

/** What was found, and the same in words. */
function documentOf(answer: Answer, view: WhyView): object {
  const words = answer.about === 'node' ? explainNode(answer.why, view) : explainApp(answer.why, view)
  return { about: answer.about, summary: words.summary, next: words.next, ...answer.why }
}

/** What makes an answer another one, ages left aside. */
function signatureOf({ about, why: { asked, ...facts } }: Answer): string {
  if (about === 'app' && 'places' in facts) {
    const places = facts.places.map(({ id, state, isPlaced, app }) => [
      id,
      state,
      isPlaced,
      app?.seq,
      app?.state,
      app?.next?.state,
    ])
    return JSON.stringify([asked.state, facts.head.digest, places])
  }
  if (!('votes' in facts)) return ''
  const votes = facts.votes.map(({ observer, verdict, evidence }) => [observer, verdict, evidence])
  return JSON.stringify([asked.state, facts.node.state, facts.isTwofold, votes.sort()])
}

/** @throws ERR_UNKNOWN_SUBJECT, ERR_UNKNOWN_NODE where several nodes have the name */
async function lookerFor(
  client: ControlClient,
  name: string,
  isApp: boolean,
): Promise<() => Promise<Answer>> {
  const [{ nodes }, releases] = await Promise.all([client.status(), client.releases()])
  const found = isApp ? [] : nodes.filter((node) => node.id === name || node.name === name)
  const [node] = found
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(', ')
    throw cliProblems.error('ERR_UNKNOWN_NODE', `${found.length} members are called ${name}`, {
      hint: `name one by its id: ${ids}`,
    })
  }
  if (node !== undefined) return async () => ({ about: 'node', why: await client.whyNode(node.id) })
  const apps = [...new Set(releases.map(({ app }) => app))]
  if (apps.includes(name)) return async () => ({ about: 'app', why: await client.whyApp(name) })
  const names = isApp ? apps : [...nodes.map((one) => one.name), ...apps]
  const meant = nearestName(name, names)
  throw cliProblems.error(
    'ERR_UNKNOWN_SUBJECT',
    isApp ? `no app is called ${name}` : `no node and no app is called ${name}`,
    meant === null ? {} : { hint: `did you mean ${plain(meant)}?` },
  )
}
