/** Mosquitto as a broker for tests; it keeps sessions and retained messages over a restart. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerRecipe } from './server-process.ts'

export interface MosquittoOptions {
  /** Without them it lets everybody in. */
  readonly password?: string
  /** Lines of its access list. */
  readonly access?: string
  readonly more?: string
}

export function mosquitto(options: MosquittoOptions = {}): ServerRecipe {
  return {
    program: 'mosquitto',
    async args(port, folder) {
      const lines = [
        `listener ${port} 127.0.0.1`,
        'persistence true',
        `persistence_location ${folder}/`,
        'autosave_interval 1',
        'autosave_on_changes true',
        'user root',
        'log_type none',
        options.more ?? '',
      ]
      if (options.password === undefined) lines.push('allow_anonymous true')
      else {
        const file = join(folder, 'passwords')
        spawnSync('mosquitto_passwd', ['-b', '-c', file, 'user', options.password])
        lines.push('allow_anonymous false', `password_file ${file}`)
      }
      if (options.access !== undefined) {
        await writeFile(join(folder, 'access'), `${options.access}\n`, { mode: 0o600 })
        lines.push(`acl_file ${join(folder, 'access')}`)
      }
      const config = join(folder, 'mosquitto.conf')
      await writeFile(config, lines.join('\n'))
      return ['-c', config]
    },
  }
}
