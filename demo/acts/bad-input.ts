/** Act 6: four bad things, the errors a person gets, and that nothing changed. */
import { join } from 'node:path'
import { systemRandom } from '../../core/index.ts'
import { openKeyRing } from '../../mesh/identity/index.ts'
import { app } from '../observer.ts'
import type { Play } from '../play.ts'

interface BadThing {
  readonly what: string
  readonly args: readonly string[]
  readonly code: string
  readonly keys?: string
}

export async function badInput(play: Play, signal: AbortSignal): Promise<void> {
  const before = await fingerprint(play)
  for (const thing of await badThings(play)) {
    const result = await play.stage.run(thing.args, {
      signal,
      ...(thing.keys === undefined ? {} : { keys: thing.keys }),
    })
    play.screen.say(`  ${thing.what}:`)
    for (const line of result.stderr.trim().split('\n')) play.screen.say(`    ${line}`)
    if (result.code !== 1 || !result.stderr.includes(`error[${thing.code}]`)) {
      throw new Error(`${thing.what}: expected ${thing.code} and exit 1, got exit ${result.code}`)
    }
  }
  const after = await fingerprint(play)
  if (after !== before) throw new Error(`something changed:\n${before}\n${after}`)
  play.checkLedgers()
  play.screen.say('  nothing changed: same members, same releases, same running versions, no event lost')
  play.summary.push('four bad things refused with a reason each, nothing changed')
}

async function badThings(play: Play): Promise<BadThing[]> {
  const lobby = ['--data', play.node('lobby-1').daemon.data]
  const wasm = join(play.root, 'components', app, 'build', `${app}.wasm`)
  const strangersKeys = join(play.stage.folder, 'strangers-keys')
  const { mesh } = await play.node('lobby-1').daemon.client.status()
  const seed = systemRandom.bytes(32)
  await openKeyRing(strangersKeys).create({ meshId: mesh.id, role: 'publisher', name: mesh.name, seed })
  return [
    {
      what: 'a file that is no WebAssembly',
      args: ['publish', join(play.root, 'README.md'), '--app', 'readme', ...lobby],
      code: 'ERR_NOT_WASM',
    },
    {
      what: 'imports that the release does not grant',
      args: [
        'publish',
        wasm,
        '--app',
        'intruder',
        '--trigger',
        'sensor:light:1s',
        '--grant',
        'sensor:light',
        ...lobby,
      ],
      code: 'ERR_IMPORTS_REFUSED',
    },
    {
      what: 'a record signed by a stranger',
      args: ['publish', wasm, '--app', 'stranger', '--grant', 'sensor:light', '--grant', 'pin:led', ...lobby],
      code: 'ERR_RELEASE_STRANGER',
      keys: strangersKeys,
    },
    {
      what: 'an invite that was used before',
      args: [
        'up',
        '--data',
        join(play.stage.folder, 'thief'),
        '--name',
        'thief',
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--no-mdns',
        '--join',
        play.usedTokens[0] ?? '',
      ],
      code: 'ERR_TOKEN_USED',
    },
  ]
}

/** Everything a bad thing could have changed, as one text. */
async function fingerprint(play: Play): Promise<string> {
  const nodes = await Promise.all(
    play.nodes.map(async ({ name, daemon }) => {
      const [status, releases, apps] = await Promise.all([
        daemon.client.status(),
        daemon.client.releases(),
        daemon.client.apps(),
      ])
      return {
        name,
        trust: status.mesh.trustVersion,
        members: status.nodes.map((node) => `${node.name} ${node.state}`).sort(),
        releases: releases.map((entry) => `${entry.app} ${entry.seq} ${entry.digest} ${entry.role}`).sort(),
        apps: apps.map(({ app: name, version, state }) => `${name} ${version} ${state}`).sort(),
      }
    }),
  )
  return JSON.stringify(nodes, null, 1)
}
