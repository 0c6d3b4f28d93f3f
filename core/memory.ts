/** How much memory the machine has left, for those who decide whether to take more of it. */
import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

/** What new work may use without pushing anything out, in bytes: the kernel's own estimate where it makes one. */
export function availableMemoryBytes(): number {
  try {
    const found = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))
    if (found !== null) return Number(found[1]) * 1_024
  } catch {
    // Not Linux.
  }
  return freemem()
}
