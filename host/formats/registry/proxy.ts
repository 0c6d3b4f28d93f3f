/** Proxies, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY name them (curl's rules), and the tunnel through one (RFC 9110, 9.3.6). */
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import type { Clock } from '../../../core/index.ts'
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'
import type { Environment } from './credentials.ts'

/** @returns the proxy for this address, or null for none. @throws ERR_REGISTRY_UNREACHABLE for one that is no address */
export function proxyFor(url: URL, env: Environment): URL | null {
  const of = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? ''
  if (isExempt(url, of('NO_PROXY'))) return null
  const text = (url.protocol === 'https:' ? of('HTTPS_PROXY') : of('HTTP_PROXY')) || of('ALL_PROXY')
  if (text === '') return null
  const proxy = URL.canParse(text) ? new URL(text) : null
  if (proxy?.protocol === 'http:' && proxy.hostname !== '') return proxy
  throw formatsProblems.error(
    'ERR_REGISTRY_UNREACHABLE',
    `the proxy ${redacted(text)} is none that can be used`,
    {
      hint: 'write it as http://HOST:PORT',
    },
  )
}

function isExempt({ hostname, port }: URL, list: string): boolean {
  if (isLocal(hostname)) return true
  return list
    .split(/[\s,]+/)
    .filter((rule) => rule !== '')
    .some((rule) => {
      if (rule === '*') return true
      const [host = '', wantedPort] = rule
        .toLowerCase()
        .replace(/^\*?\./, '')
        .split(':')
      if (wantedPort !== undefined && wantedPort !== port) return false
      return hostname === host || hostname.endsWith(`.${host}`)
    })
}

/** This machine itself: where plain HTTP is as good as any. */
export function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

/** For the head of a request through this proxy. */
export function proxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {}
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** A TLS connection to `url` through the proxy. @throws ERR_REGISTRY_UNREACHABLE */
export function tunnel(url: URL, proxy: URL, clock: Clock): Promise<Socket> {
  const target = `${url.hostname}:${url.port === '' ? '443' : url.port}`
  return new Promise((resolve, reject) => {
    const asked = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port === '' ? 80 : Number(proxy.port),
      method: 'CONNECT',
      path: target,
      agent: false,
      headers: { host: target, ...proxyHeaders(proxy) },
    })
    const cancel = clock.after(formatLimits.registryIdleMs, () =>
      asked.destroy(new Error('it did not answer in time')),
    )
    const fail = (what: string, cause?: unknown): void => {
      cancel()
      const message = `no way to ${target} through the proxy ${proxy.host}: ${what}`
      reject(formatsProblems.error('ERR_REGISTRY_UNREACHABLE', message, { cause }))
    }
    asked.once('connect', (answer, socket) => {
      if (answer.statusCode !== 200) {
        socket.destroy()
        return fail(`it answers ${answer.statusCode}`)
      }
      const secure = connect({ socket, servername: url.hostname }, () => {
        cancel()
        resolve(secure)
      })
      // Once it is handed over, whoever has it hears of its end as well.
      secure.on('error', (error) => fail(error.message, error))
    })
    asked.once('response', (answer) => {
      answer.resume()
      fail(`it answers ${answer.statusCode}`)
    })
    asked.once('error', (error) => fail(error.message, error))
    asked.end()
  })
}

function redacted(text: string): string {
  return text.replace(/\/\/[^@/]*@/, '//…@')
}
