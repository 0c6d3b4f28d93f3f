/** The options that `run` and `serve` share: what the program may touch, and what it may use. */

export const guestOptions = {
  dir: {
    kind: 'list',
    value: 'HOST[::GUEST]',
    help: 'a folder that it may read and write, under its own name or as GUEST',
    completes: 'folder',
  },
  'dir-ro': {
    kind: 'list',
    value: 'HOST[::GUEST]',
    help: 'the same, to be read only',
    completes: 'folder',
  },
  env: { kind: 'list', value: 'NAME[=VALUE]', help: 'a variable; without a value the one it has here' },
  config: { kind: 'list', value: 'KEY=VALUE', help: 'a setting for wasi:config' },
  sensor: {
    kind: 'list',
    value: 'NAME=VALUE',
    help: 'a simulated sensor: light=312lx, or a table as in a node’s TOML',
  },
  pin: { kind: 'list', value: 'NAME', help: 'a simulated pin' },
  i2c: {
    kind: 'list',
    value: 'NAME=BUS:ADDRESS',
    help: 'chips on an I²C bus of this machine, by their addresses: light=1:0x23',
  },
  keyvalue: { kind: 'list', value: 'NAME', help: 'a bucket of wasi:keyvalue, kept in memory' },
  blobstore: { kind: 'list', value: 'NAME', help: 'a container of wasi:blobstore, kept in memory' },
  publish: { kind: 'list', value: 'TOPIC', help: 'a topic that it may send messages to' },
  'http-origin': {
    kind: 'list',
    value: 'URL',
    help: 'an origin that it may send requests to: https://api.example.com',
  },
  network: {
    kind: 'list',
    value: 'USE',
    help: 'a use of sockets: tcp-connect, tcp-listen, udp, udp-listen or lookup; or a part of it, as tcp-connect:db.example:5432',
    completes: ['tcp-connect', 'tcp-listen', 'udp', 'udp-listen', 'lookup'],
  },
  memory: { kind: 'text', value: 'SIZE', help: 'most memory it may take (default: 4GiB)' },
  isolation: {
    kind: 'text',
    value: 'HOW',
    help: 'where it runs: worker (a thread, the default) or process',
    completes: ['worker', 'process'],
  },
  'no-cache': { kind: 'flag', help: 'do not keep the prepared form for the next time' },
} as const
