import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import { acquireDataLock, ControlServer } from '../../../host/api/index.ts'
import type { Diagnosis } from '../../../host/doctor/index.ts'
import { FakeNode } from '../api/fake-node.ts'
import { run } from './fake-world.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-doctor-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function diagnosisOf(line: string): Promise<Diagnosis & { code: number }> {
  const { code, stdout } = await run(line, { data: folder })
  const { schema, ...diagnosis } = JSON.parse(stdout) as Diagnosis & { schema: string }
  expect(schema).toBe('selvedge.doctor/1')
  // The clock of these tests stands before the files that they write.
  const findings = diagnosis.findings.map((found) =>
    found.check === 'clock' ? { ...found, level: 'fine' as const } : found,
  )
  return { ...diagnosis, findings, code }
}

it('of a folder without a daemon, nothing is wrong, each check has its line, and nothing is left behind', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warned)
  const { stdout, code } = await run('doctor', { data: folder })
  process.off('warning', warned)
  // Of Node.js, about what the checks share; of others it may be about what another test has left.
  expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([])
  expect(stdout).toMatch(/^◐ node +no daemon runs on /m)
  expect(stdout).toMatch(/^● data +4 KB are on the medium|^◐ data /m)
  expect(stdout).toMatch(/nothing is wrong/)
  expect(code).toBe(0)
  expect(await readdir(folder)).toEqual([])
})

it('a folder that others may read is wrong, ends with 1, and says the command', async () => {
  await chmod(folder, 0o755)
  const { findings, wrong, code } = await diagnosisOf('doctor --json')
  expect({ wrong, code }).toEqual({ wrong: 1, code: 1 })
  expect(findings).toContainEqual({
    check: 'data',
    level: 'wrong',
    code: 'ERR_DOCTOR_DATA',
    what: `${folder} can be read by others (mode 755), and keys are in it`,
    fix: `chmod 700 ${folder}`,
  })
})

it('a mistake in the TOML is one finding, with its field and remedy, and the other checks go on', async () => {
  const config = join(folder, 'node.toml')
  await writeFile(config, '[sensors.light]\ndriver = "bh175"\n')
  const { findings, code } = await diagnosisOf(`doctor --json --config ${config}`)
  expect(code).toBe(1)
  const wrong = findings.filter(({ level }) => level === 'wrong')
  expect(wrong).toMatchObject([{ check: 'config', code: 'ERR_DRIVER_UNKNOWN' }])
  expect(wrong[0]?.what).toContain('did you mean "bh1750"')
  expect(new Set(findings.map(({ check }) => check)).size).toBe(13)
})

it('without a daemon the devices of the TOML are tried, and its ports', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  const config = join(folder, 'node.toml')
  await writeFile(
    config,
    `[http]\nlisten = "127.0.0.1:${port}"\n[sensors.light]\ndriver = "simulated"\n[sensors.gone]\ndriver = "command"\ncommand = ["${folder}/nothing"]\n[pins.relay]\ndriver = "simulated"\n`,
  )
  const { findings } = await diagnosisOf(`doctor --json --config ${config}`)
  taken.close()
  expect(findings).toContainEqual({
    check: 'devices',
    level: 'fine',
    what: 'sensor light (simulated) is well',
  })
  expect(findings.map(({ what }) => what)).toContain('not tried, as it would set them: the pins relay')
  const wrong = findings.filter(({ level }) => level === 'wrong')
  expect(wrong.map(({ check }) => check)).toEqual(['ports', 'devices'])
  expect(wrong[0]?.what).toBe(`127.0.0.1 port ${port} cannot be used: another program has it`)
  expect(wrong[1]?.what).toMatch(/^sensor gone \(command\) is (missing|faulty): /)
})

it('of a running daemon, what it says is wrong is wrong, with its code and remedy', async () => {
  const node = new FakeNode()
  const lock = await acquireDataLock(folder)
  const server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
  try {
    const { findings, code } = await diagnosisOf('doctor --json')
    expect(code).toBe(1)
    const { problems } = await node.status()
    expect(problems.length).toBeGreaterThan(0)
    for (const { code: problem, message, hint } of problems) {
      expect(findings).toContainEqual({
        check: 'node',
        level: 'wrong',
        code: problem,
        what: message,
        fix: hint,
      })
    }
  } finally {
    await server.stop()
    await lock.release()
  }
})
