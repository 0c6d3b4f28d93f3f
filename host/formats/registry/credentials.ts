/** Who one is to a registry: from two variables, else from the file that docker, oras and skopeo write when one logs in. */
import { join } from 'node:path'
import { readFile, stat } from 'node:fs/promises'
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'

export interface Credentials {
  readonly user: string
  readonly password: string
}

export type Environment = Readonly<Record<string, string | undefined>>

const dockerHub = 'https://index.docker.io/v1/'

/**
 * @returns null where nobody has logged in
 * @throws ERR_REGISTRY_AUTH where a file is there and cannot be understood, or leaves the password to another program
 */
export async function credentialsFor(registry: string, env: Environment): Promise<Credentials | null> {
  const { SELVEDGE_REGISTRY_USER: user, SELVEDGE_REGISTRY_PASSWORD: password } = env
  if (user !== undefined && password !== undefined) return { user, password }
  for (const path of authFiles(env)) {
    const found = await fromFile(path, registry)
    if (found !== null) return found
  }
  return null
}

function authFiles(env: Environment): string[] {
  const home = env['HOME'] ?? env['USERPROFILE']
  const docker = env['DOCKER_CONFIG'] ?? (home === undefined ? undefined : join(home, '.docker'))
  const runtime = env['XDG_RUNTIME_DIR']
  return [
    ...(env['REGISTRY_AUTH_FILE'] === undefined ? [] : [env['REGISTRY_AUTH_FILE']]),
    ...(docker === undefined ? [] : [join(docker, 'config.json')]),
    ...(runtime === undefined ? [] : [join(runtime, 'containers', 'auth.json')]),
  ]
}

async function fromFile(path: string, registry: string): Promise<Credentials | null> {
  const facts = await stat(path).catch(() => null)
  if (facts === null || !facts.isFile()) return null
  if (facts.size > formatLimits.dockerConfigBytes) throw unusable(path, 'it is too large')
  const config = fieldsOf(parse(await readFile(path, 'utf8'), path))
  const names = registry === 'docker.io' ? [dockerHub, registry] : [registry, `https://${registry}`]
  const auths = fieldsOf(config['auths'])
  for (const name of names) {
    const entry = fieldsOf(auths[name])
    if (typeof entry['auth'] === 'string' && entry['auth'] !== '') return decoded(entry['auth'], path, name)
    const { username, password } = entry
    if (typeof username === 'string' && typeof password === 'string') return { user: username, password }
    const helper =
      fieldsOf(config['credHelpers'])[name] ?? (Object.hasOwn(auths, name) ? config['credsStore'] : '')
    if (typeof helper === 'string' && helper !== '') {
      throw unusable(
        path,
        `the password for ${name} is kept by docker-credential-${helper}, which is not asked`,
      )
    }
  }
  return null
}

function decoded(auth: string, path: string, name: string): Credentials {
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) throw unusable(path, `what it says of ${name} is not base64 of USER:PASSWORD`)
  return { user: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw formatsProblems.error('ERR_REGISTRY_AUTH', `${path} is not JSON`, { cause })
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function unusable(path: string, what: string): Error {
  return formatsProblems.error('ERR_REGISTRY_AUTH', `${path} cannot be used: ${what}`, {
    hint: 'set SELVEDGE_REGISTRY_USER and SELVEDGE_REGISTRY_PASSWORD',
  })
}
