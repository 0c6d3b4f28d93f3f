/** A release that is not for this node, signed by hand with a publisher's key: live nodes say so by name. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { openKeyRing, signRelease } from '../../mesh/index.ts'
import { componentRef } from '../../mesh/blobs/index.ts'
import { readExposition } from '../host/metrics/exposition.ts'
import { releaseRecord } from '../mesh/releases/harness.ts'
import { app, appFile, join, openStage, publishApp, runningVersion, start, until } from './harness.ts'

it('that imports an interface which no node has: status and metrics name the attack, what runs goes on', async () => {
  const stage = await openStage()
  const first = await start(stage, { name: 'lobby-1' })
  const second = await join(stage, first, { name: 'lobby-2' })
  await publishApp(stage, first)
  const bytes = await readFile(appFile)
  const { mesh } = await first.client.status()
  const held = (await first.client.releases(app)).at(0)
  const record = releaseRecord(mesh.id, {
    seq: 2,
    version: '2.0.0',
    component: componentRef(bytes).ref,
    previous: held?.digest ?? null,
    signedAt: Date.now(),
    imports: ['acme:telepathy/link@1.0.0'],
  })
  await first.client.publish(signRelease(await openKeyRing(stage.keys).get(mesh.id, 'publisher'), record))
  for (const node of [first, second]) {
    await until(`${node.name} names it`, async () => {
      const { attacks = [] } = await node.client.status()
      return attacks.some(({ attack }) => attack === 'wrong-target')
    })
    const shown = await stage.mustRun(['status', '--data', node.data])
    expect(shown).toContain('wrong-target')
    expect(shown).toContain('ERR_IMPORTS_REFUSED')
    const { value } = readExposition(await stage.mustRun(['metrics', '--data', node.data]))
    expect(value('selvedge_attacks_total', { attack: 'wrong-target' })).toBe(1)
    expect(await runningVersion(node)).toBe('1.0.0')
  }
})
