/**
 * The lists under `[grants]`, and the kind of grant that each makes. How a grant is written is said in
 * host/interfaces, once. A new kind of grant is one line here and one field in the manifest's schema.
 */
export const grantKinds = {
  sensors: 'sensor',
  pins: 'pin',
  i2c: 'i2c',
  folders: 'folder',
  keyvalue: 'keyvalue',
  blobstore: 'blobstore',
  network: 'network',
  http: 'http',
  calls: 'call',
  publish: 'publish',
  subscribe: 'subscribe',
} as const

export type GrantKind = (typeof grantKinds)[keyof typeof grantKinds]
