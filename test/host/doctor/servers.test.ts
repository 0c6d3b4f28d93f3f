/** What the doctor says of brokers and of servers that stores are at, tried with the TOML that names them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { serversCheck } from '../../../host/doctor/checks/servers.ts'
import { hasOpenssl, makeCertificates, type Certificates } from '../../contract/servers/certificates.ts'
import { mosquitto } from '../../contract/servers/mosquitto.ts'
import { freePort, hasProgram, ServerProcess } from '../../contract/servers/server-process.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'selvedge-doctor-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function findings(toml: string | null) {
  const config = toml === null ? undefined : join(folder, 'node.toml')
  if (config !== undefined) await writeFile(config, toml ?? '')
  const patient = { data: folder, keys: folder, config, node: null, clock: systemClock }
  return serversCheck.run({ ...patient, signal: new AbortController().signal })
}

describe('the doctor', () => {
  it('looks at no server where none is named, nor where the TOML is wrong', async () => {
    for (const toml of [null, '', 'brokers = 1'])
      expect(await findings(toml)).toMatchObject([{ level: 'fine' }])
  })

  it('says where nothing listens, and that a password goes as it is', async () => {
    const port = await freePort()
    await writeFile(join(folder, 'secret'), 'x')
    const found = await findings(`
      [brokers.home]
      url = "mqtt://127.0.0.1:${port}"
      password-file = "secret"
      [storage.keyvalue]
      driver = "redis"
      url = "redis://127.0.0.1:${port}"
    `)
    expect(found).toMatchObject([
      {
        level: 'wrong',
        code: 'ERR_DOCTOR_SERVER',
        what: `broker home: 127.0.0.1:${port}: nothing listens there`,
      },
      { level: 'wrong', what: `the server of [storage.keyvalue]: 127.0.0.1:${port}: nothing listens there` },
    ])
  })
})

const canTest = hasProgram('mosquitto') && hasOpenssl
it.skipIf(canTest)('leaves certificates of brokers unlooked at here: install mosquitto and openssl', () => {})

describe.skipIf(!canTest)('the doctor of a broker that speaks TLS', () => {
  let made: Certificates
  const ends: (() => unknown)[] = []
  beforeAll(async () => void (made = await makeCertificates()))
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  afterAll(() => made?.remove())

  it('says which certificate is wrong and what to do, or that it is accepted and ends soon', async () => {
    const { ca, server, expired } = made
    const start = async (pair: typeof server, more = ''): Promise<number> => {
      const files = `cafile ${ca}\ncertfile ${pair.certificate}\nkeyfile ${pair.key}\n${more}`
      const process = await ServerProcess.start(mosquitto({ more: files }))
      ends.push(() => process.remove())
      return process.port
    }
    const [good, ended, strict] = [
      await start(server),
      await start(expired),
      await start(server, 'require_certificate true'),
    ]
    const broker = (port: number, more: string): Promise<readonly object[]> =>
      findings(`[brokers.home]\nurl = "mqtts://localhost:${port}"\n${more}`)
    expect(await broker(good, `ca = "${ca}"`)).toMatchObject([
      { level: 'fine', what: `broker home answers at localhost:${good}, and its certificate is accepted` },
      { level: 'note', what: expect.stringMatching(/^the certificate of broker home ends on 20/) as unknown },
    ])
    const wrong = async (port: number, more: string): Promise<string> => {
      const [first, ...others] = (await broker(port, more)) as { level: string; what: string }[]
      expect(others).toEqual([])
      expect(first?.level).toBe('wrong')
      return first?.what ?? ''
    }
    expect(await wrong(good, '')).toMatch(/signed by nobody whom this node trusts; name the file with its CA/)
    expect(await wrong(ended, `ca = "${ca}"`)).toMatch(/its certificate has ended/)
    expect(await wrong(strict, `ca = "${ca}"`)).toMatch(/it wants a certificate of this node/)
    expect(await wrong(good, 'ca = "gone.pem"')).toBe(
      `broker home: ca = "${join(folder, 'gone.pem')}": there is no such file`,
    )
  })
})
