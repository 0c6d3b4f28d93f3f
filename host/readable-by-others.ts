/** Whether a user who owns nothing could read a file: every folder above it lets others through. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'

const othersRead = 0o004
const othersPass = 0o001

/** @returns false also where it cannot be found out */
export function isReadableByOthers(file: string): boolean {
  try {
    if ((statSync(file).mode & othersRead) === 0) return false
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      if ((statSync(folder).mode & othersPass) === 0) return false
      if (folder === dirname(folder)) return true
    }
  } catch {
    return false
  }
}
