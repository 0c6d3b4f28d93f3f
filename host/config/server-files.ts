/** The files that tables of brokers and stores name, as paths that do not depend on where the node was started. */
import { dirname, resolve } from 'node:path'
import { tlsPathNames } from '../tls/index.ts'

const fileFields = [...tlsPathNames, 'password-file'] as const

/** @param fileName of the TOML; relative paths start in its folder */
export function locateFiles<Table extends Readonly<Record<string, unknown>>>(
  table: Table,
  fileName: string,
): Table {
  const located = fileFields.flatMap((field) => {
    const path = table[field]
    return typeof path === 'string' ? [[field, resolve(dirname(fileName), path)] as const] : []
  })
  return { ...table, ...Object.fromEntries(located) }
}

/** The same of all tables by name. */
export function locateFilesOf<Table extends Readonly<Record<string, unknown>>>(
  tables: Readonly<Record<string, Table>>,
  fileName: string,
): Record<string, Table> {
  return Object.fromEntries(
    Object.entries(tables).map(([name, table]) => [name, locateFiles(table, fileName)]),
  )
}
