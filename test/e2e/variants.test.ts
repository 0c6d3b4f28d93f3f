/**
 * One app, built with and without SIMD, on a node that has SIMD and one whose owner keeps it from apps: each runs what it
 * can, an update and its withdrawal move both, and what only runs with SIMD is never given to the other node.
 */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { expect, it } from 'vitest'
import {
  app,
  appFolder,
  join,
  lightAndLed,
  openStage,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'
import { type } from './typed.ts'

const withoutSimd = `${lightAndLed}
[engine]
without = ["simd"]
`

/** light-alarm with a rule that uses SIMD where the compiler may, and a log that tells which build speaks. */
async function writeApp(stage: Stage): Promise<string> {
  const folder = joinPath(stage.folder, 'app')
  await cp(appFolder, folder, { recursive: true, filter: (path) => !path.endsWith('/build') })
  const change = async (file: string, edit: (text: string) => string): Promise<void> => {
    const path = joinPath(folder, file)
    const text = await readFile(path, 'utf8')
    const edited = edit(text)
    if (edited === text) throw new Error(`${file} is not as this test takes it to be`)
    await writeFile(path, edited)
  }
  await change('selvedge.toml', (text) =>
    text.replace('[grants]', '[[variants]]\nname = "simd"\nfeatures = ["simd"]\n\n[grants]'),
  )
  await change('assembly/rule.ts', (text) =>
    text.replace(
      'return value < threshold',
      `if (ASC_FEATURE_SIMD) {
    return v128.any_true(f64x2.lt(f64x2.splat(value), f64x2.splat(threshold)))
  }
  return value < threshold`,
    ),
  )
  await change('assembly/handler.ts', (text) =>
    text.replace("', led '", "(ASC_FEATURE_SIMD ? ', by simd, led ' : ', led ')"),
  )
  return folder
}

/** What runs of an app on a node, as that node says: `1.0.0 simd`. */
async function runsOn(daemon: Daemon, name = app): Promise<string | null> {
  const found = (await daemon.client.apps()).find((one) => one.app === name)
  if (found?.state !== 'running' || found.next !== undefined) return null
  return `${found.version} ${found.variant ?? 'itself'}`
}

async function saysSimd(daemon: Daemon): Promise<boolean | null> {
  const last = (await daemon.client.logs({ app, tail: 1 })).at(-1)
  return last === undefined || !('message' in last) ? null : last.message.includes('by simd')
}

it('each node runs the build that it can, through an update, its withdrawal and a change of mind of its owner', async () => {
  const stage = await openStage()
  const a = await start(stage, { name: 'lobby-1' })
  let b = await join(stage, a, { name: 'lobby-2', config: withoutSimd })
  const folder = await writeApp(stage)
  const publish = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await type(stage, ['publish', ...args, '--data', b.data, '--wait'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.anything() as string })
    return `${stdout}${stderr}`
  }

  // Through the node that cannot run the better one.
  await stage.mustRun(['build', folder])
  expect(await publish(folder, '--no-build')).toContain('variants: simd on 1, the component itself on 1')
  expect([await runsOn(a), await runsOn(b)]).toEqual(['1.0.0 simd', '1.0.0 itself'])
  await until('both have spoken', async () => (await saysSimd(a)) === true && (await saysSimd(b)) === false)
  const seen = (await a.client.status()).nodes.map(({ name, apps }) => [name, apps[0]?.variant ?? null])
  expect(seen).toEqual(
    expect.arrayContaining([
      ['lobby-1', 'simd'],
      ['lobby-2', null],
    ]),
  )
  expect(await stage.mustRun(['apps', '--data', a.data])).toContain('light-alarm 1.0.0 (simd)')

  await publish(folder, '--no-build', '--version', '2.0.0')
  expect([await runsOn(a), await runsOn(b)]).toEqual(['2.0.0 simd', '2.0.0 itself'])
  await stage.mustRun(['trust', 'revoke', 'release', `${app}@2.0.0`, '--yes', '--data', a.data])
  await until('both are back at the release before', async () => {
    return (await runsOn(a)) === '1.0.0 simd' && (await runsOn(b)) === '1.0.0 itself'
  })

  // What only the one can run is never given to the other, which says so, and keeps what it has.
  const file = joinPath(folder, 'build', `${app}.simd.wasm`)
  const grants = ['--grant', 'sensor:light', '--grant', 'pin:led', '--trigger', 'sensor:light:1s']
  const said = await publish(file, '--app', 'vision', ...grants)
  expect(said).toContain('fits: 1 of 2 nodes; lobby-2 lacks feature:simd')
  expect(said).toContain('vision 0.0.1 on 1/1')
  expect(said).toContain('not for every node: lobby-2 lacks feature:simd')
  expect(await runsOn(a, 'vision')).toBe('0.0.1 itself')
  expect((await b.client.apps()).map((one) => one.app)).toEqual([app])
  expect(await stage.mustRun(['status', '--data', b.data])).toMatch(
    /vision 0\.0\.1 on lobby-1 · lobby-2 lacks feature:simd/,
  )
  const why = await stage.run(['why', 'vision', '--data', b.data])
  expect(why.stdout).toContain('lobby-2: cannot run it without feature:simd')
  const doctor = await stage.run(['doctor', '--data', b.data])
  expect(doctor.stdout).toContain('vision 0.0.1 is not run here: this machine lacks feature:simd')
  const nowhere = await stage.run([
    'publish',
    file,
    '--app',
    'x',
    ...grants,
    '--need',
    'arch:abacus',
    '--data',
    a.data,
  ])
  expect([nowhere.code, nowhere.stderr]).toEqual([
    1,
    expect.stringMatching(/ERR_FITS_NOWHERE[^]*lobby-1 lacks arch:abacus/),
  ])

  // A newer Node.js, or another word of its owner: the same release, another build.
  await stage.mustRun(['stop', '--data', b.data])
  await b.exited
  b = await start(stage, { name: 'lobby-2' })
  await until('it takes the better one', async () => {
    return (await runsOn(b)) === '1.0.0 simd' && (await runsOn(b, 'vision')) === '0.0.1 itself'
  })
}, 240_000)
