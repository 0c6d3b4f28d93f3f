import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { confirmOptions } from '../confirm.ts'
import { say } from '../print.ts'
import { keyOptions, plannedKey } from '../trust/new-key.ts'
import { changeTrustOf, openSession } from '../trust/session.ts'

export const trustAddPublisher = defineCommand({
  name: 'trust add-publisher',
  summary: 'let a key publish some apps with some grants',
  details:
    'Also changes what a publisher that is there may do. NAME is how a new key is called in the key folder. Patterns ' +
    'are of app names and grants; * stands for any run of characters. With --deploy the new key is not kept but ' +
    'printed, once, as a line for the secret store of a build job, which gives it to `selvedge publish` in ' +
    '$SELVEDGE_PUBLISHER_KEY.',
  arguments: [{ name: 'NAME', required: true }],
  options: {
    ...keyOptions,
    deploy: { kind: 'flag', help: 'print the new key for a build job, and do not keep it' },
    apps: { kind: 'list', value: 'PATTERN', help: 'apps that it may publish, as light-*' },
    grants: {
      kind: 'list',
      value: 'PATTERN',
      help: 'grants that it may ask for, as sensor:* (default: none)',
    },
    out: {
      kind: 'text',
      value: 'FILE',
      help: 'where a proposal goes that more roots must sign',
      completes: 'file',
    },
    ...confirmOptions,
  },
  json: 'selvedge.trust-change/1',
  usesNode: true,
  examples: [
    {
      line: "trust add-publisher ci --deploy --apps 'light-*' --grants 'sensor:*'",
      says: 'a key for a build job',
    },
    {
      line: "trust add-publisher eve --key 1f0c… --apps '*' --grants '*'",
      says: 'a key that somebody else has',
    },
  ],
  async run(context) {
    const { options, args, world } = context
    const [name = ''] = args
    const command = 'trust add-publisher'
    if (options.apps.length === 0) throw usage({ name: command }, 'say with --apps what it may publish')
    const isNew = options.new || options.deploy
    const session = await openSession(context)
    const planned = await plannedKey({ ...context, options: { ...options, new: isNew } }, session, {
      command,
      role: 'publisher',
      label: name,
    })
    const publisher = { key: planned.publicKey, apps: options.apps, grants: options.grants }
    const changes = [{ kind: 'set-publisher', publisher }] as const
    if (!options.deploy || planned.seed === null) {
      await changeTrustOf(context, session, changes, planned.signing)
      return 0
    }
    const { encodeDeployKey } = await import('../../../mesh/index.ts')
    const deployKey = encodeDeployKey({ meshId: session.report.mesh, seed: planned.seed })
    const warning = 'the deploy key: whoever has this line can publish; it is shown this once'
    if (context.json) {
      await changeTrustOf(context, session, changes, { beside: { deployKey } })
      say(context, warning)
      return 0
    }
    // Standard output is the key's alone.
    await changeTrustOf(context, session, changes, { answerTo: 'stderr' })
    say(context, warning)
    world.stdout.write(`${deployKey}\n`)
    return 0
  },
})
