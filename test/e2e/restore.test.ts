/** What an app has stored, taken away and put back under a daemon that runs, by commands of their own processes. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { appCalled, freePort, openStage, publishFolder, start, until } from './harness.ts'
import { mustType } from './typed.ts'

/** A medium that is full as soon as something is written; null where this user may mount none. */
function fullMedium(folder: string): string | null {
  mkdirSync(folder)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', folder]).status !== 0) return null
  onTestFinished(() => void spawnSync('umount', ['-l', folder]))
  writeFileSync(join(folder, 'full'), Buffer.alloc(4_096))
  return folder
}

it('a snapshot is put back under an app that runs, only where it may be stopped, and nothing wrong is', async () => {
  const stage = await openStage()
  const port = await freePort()
  const config = `[http]\nlisten = "127.0.0.1:${port}"\n`
  const node = await start(stage, { name: 'lobby-1', config })
  // counter, each node for itself: its store is an app's own.
  const alone = (text: string): string => text.replace(/\[stores\.counts\][^[]*/, '')
  await publishFolder(stage, node, await appCalled(stage, 'tally', alone, 'counter'))
  const ask = async (method: string, name: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}/tally/${name}`, { method })
    return answer.status === 200 ? (await answer.text()).trim() : String(answer.status)
  }
  const counted = async (what: string, ...values: readonly string[]): Promise<void> =>
    until(
      what,
      async () => (await Promise.all(['x', 'y'].map((name) => ask('GET', name)))).join() === values.join(),
    )
  await counted('it answers', '0', '0')
  for (let n = 0; n < 2; n += 1) await ask('POST', 'x')

  const file = join(stage.folder, 'tally.data')
  const at = ['--data', node.data]
  const data = (...args: string[]) => stage.run(['data', ...args, ...at])
  expect((await data('snapshot', 'tally', '-o', file)).stdout).toMatch(
    /^1 key and 0 objects, .* in .*tally\.data\n$/,
  )
  expect((await data('snapshot', 'tally', '-o', file)).stderr).toMatch(/ERR_SNAPSHOT_FILE.*is there already/)
  const full = fullMedium(join(stage.folder, 'full'))
  if (full !== null) {
    const { code, stderr } = await data('snapshot', 'tally', '-o', join(full, 'tally.data'))
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/ERR_DISK_FULL/) as unknown })
  }
  await ask('POST', 'x')
  await ask('POST', 'y')

  const refused = await data('restore', 'tally', file)
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/^error\[ERR_APP_RUNS\]: tally runs here/)
  expect(refused.stderr).toMatch(/^hint: .*--stop/m)
  await counted('nothing has changed', '3', '1')

  const whole = readFileSync(file)
  const bad = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(stage.folder, name), bytes)
    return join(stage.folder, name)
  }
  const later = Buffer.from(whole.toString('latin1').replace('selvedge-data/1', 'selvedge-data/9'), 'latin1')
  await publishFolder(stage, node, await appCalled(stage, 'other', alone, 'counter'))
  const wrong: [string, string, RegExp][] = [
    ['tally', bad('cut.data', whole.subarray(0, whole.length / 2)), /ERR_SNAPSHOT\]: .*cut\.data: /],
    ['tally', bad('later.data', later), /ERR_SNAPSHOT\]: .*later\.data/],
    ['tally', join(stage.folder, 'gone.data'), /ERR_SNAPSHOT\]: .*gone\.data cannot be read/],
    ['other', file, /ERR_SNAPSHOT_APP\]: .* is a snapshot of tally, not of other/],
  ]
  for (const [app, path, says] of wrong) {
    const { code, stderr } = await data('restore', app, path, '--stop')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(says) as unknown })
    expect(stderr).toMatch(/^hint: ./m)
  }
  await counted('it is back with what it had', '3', '1')

  const { stdout, code } = await data('restore', 'tally', file, '--stop')
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^1 key .* put back for tally\n$/) as unknown,
  })
  await counted('it is back with what the snapshot has', '2', '0')
  expect(await ask('POST', 'x')).toBe('3')

  node.kill('SIGKILL')
  await node.exited
  const again = await start(stage, { name: 'lobby-1', config })
  await counted('so it is after a crash', '3', '0')
  expect(await mustType(stage, ['data', 'get', 'tally', 'counts', 'x', '--data', again.data])).toBe('3')
}, 120_000)
