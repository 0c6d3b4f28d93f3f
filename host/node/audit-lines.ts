/** The mesh's audit journal as lines of the control API. */
import type { Audit } from '../../mesh/index.ts'
import type { AuditLine, LineSource } from '../api/index.ts'

export function auditLines(audit: Audit): LineSource<AuditLine> {
  return {
    read(_app, after, limit) {
      const { entries, cursor, missed } = audit.read(after, limit)
      return { lines: entries, cursor, missed }
    },
    tail: (_app, limit) => audit.tail(limit),
    onAppend: (run) => audit.onChange(run),
  }
}
