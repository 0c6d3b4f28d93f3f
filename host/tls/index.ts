/** The public face of host/tls: TLS to servers that others run, with files that a person named. */
export { asTlsPaths, tlsFields, tlsPathNames, tlsTableIssue, type TlsPaths } from './fields.ts'
export { readTls, type TlsFiles } from './files.ts'
export { probeTls, tlsTrouble } from './probe.ts'
export { tlsProblems } from './problems.ts'
export { tlsWords } from './words.ts'
