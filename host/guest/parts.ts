/** The parts of WASI itself, which every sandbox has whatever its grants: a new one is one line. */
import { blobstorePart } from './blobstore/index.ts'
import { cliPart } from './cli/index.ts'
import { clocksPart } from './clocks.ts'
import { filesystemPart } from './filesystem/index.ts'
import { gpioPart } from './gpio/index.ts'
import { httpPart } from './http/index.ts'
import { i2cPart } from './i2c/index.ts'
import { ioPart } from './io/index.ts'
import { keyValuePart } from './keyvalue/index.ts'
import { messagingPart } from './messaging/index.ts'
import { p3Part } from './p3/index.ts'
import type { PartKind } from './part.ts'
import { randomPart } from './random.ts'
import { socketsPart } from './sockets/index.ts'

export const wasiParts: readonly PartKind[] = [
  ioPart,
  clocksPart,
  randomPart,
  cliPart,
  p3Part,
  filesystemPart,
  keyValuePart,
  httpPart,
  blobstorePart,
  messagingPart,
  socketsPart,
  i2cPart,
  gpioPart,
]
