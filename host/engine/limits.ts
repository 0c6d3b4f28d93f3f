/** Every bound of the engine in one place, each with its reason. */

export interface EngineLimits {
  /** Largest component taken, in bytes. 64 MiB holds five StarlingMonkeys (12 MB, the largest toolchain known). */
  readonly componentBytes: number
  /** Wall time for a child to inspect or prepare, ms. The slowest measured is 46 s, on emulated mips64el. */
  readonly prepareMs: number
  /** JavaScript heap of that child, MiB. */
  readonly prepareHeapMb: number
  /** Each linear memory of that child's transpiler, in 64 KiB pages: 1 GiB, eight times the measured peak. */
  readonly preparePages: number
  /** Largest answer of that child and largest cache entry, in bytes. */
  readonly preparedBytes: number
  /** Inspections and preparations that may wait for the one child at a time. */
  readonly waitingPrepares: number
  /** Cache entries kept, and bytes of them; what this process did not use goes first. */
  readonly cacheEntries: number
  readonly cacheBytes: number
  /** Entries of all of a guest's tables together (8 bytes each on the host's heap). */
  readonly tableEntries: number
  /** Core instances in one sandbox. */
  readonly coreInstances: number
  /** JavaScript heap of a sandbox, MiB: glue and values on their way, not the guest's own memory. */
  readonly sandboxHeapMb: number
  /** Until a worker has loaded the glue, ms; slow flash and emulators need seconds. */
  readonly bootMs: number
  /** Making an instance gets the app's deadline, and at least this: a first run is slower than the rest, ms. */
  readonly instantiateMs: number
  /**
   * How long a start may keep a shared thread from the other apps in it, ms; then it is made in a thread of its own,
   * where it may take `instantiateMs`. A small app's takes 10 to 50, on slow flash some hundreds.
   */
  readonly sharedStartMs: number
  /** Estimated size of one call's arguments or result, in bytes. */
  readonly valueBytes: number
  /** Posts (logs and the like) a guest may have under way before they are dropped. */
  readonly postsInFlight: number
  /** Posts a guest may make per second, with as many at once. */
  readonly postsPerSecond: number
  /** Length of one line the guest writes to stdout or stderr; longer ones are cut. */
  readonly lineChars: number
  /** What the worker itself may print in its life (the runtime's own warnings), in bytes. */
  readonly strayOutputBytes: number
  /** Calls that may wait for their turn. */
  readonly waitingCalls: number
  /** Of these, how many are sent before their turn, so that the guest's thread goes from one to the next. */
  readonly sentAhead: number
  /** Glue whose text is longer is compiled anew at each start, in characters; that of QuickJS has 380,000. */
  readonly glueCodeChars: number
  /** Threads or processes of each kind started beforehand, where some app could use one. */
  readonly spares: number
  /** What apps may have together, with their threads and processes, in bytes. */
  readonly appsBytes: number
  /** All that the node may have, of which that is a part, in bytes: for messages. */
  readonly budgetBytes: number
  /** Memory of the machine that spares and more instances of an app leave alone, in bytes. */
  readonly reservedBytes: number
  /**
   * Streams, pollables and other resources of the host that a guest may hold at once. Guests in JavaScript leave a
   * request and its headers to their collector, which comes seldom; some 200 bytes of the sandbox's heap each.
   */
  readonly heldHandles: number
  /** Channels a guest may have open at once; each may hold two windows of 256 KiB. */
  readonly channels: number
}

export const defaultLimits: EngineLimits = {
  componentBytes: 64 * 1024 * 1024,
  prepareMs: 120_000,
  prepareHeapMb: 512,
  preparePages: 16_384,
  preparedBytes: 160 * 1024 * 1024,
  waitingPrepares: 32,
  cacheEntries: 64,
  cacheBytes: 512 * 1024 * 1024,
  tableEntries: 1_000_000,
  coreInstances: 256,
  sandboxHeapMb: 64,
  bootMs: 30_000,
  instantiateMs: 5_000,
  sharedStartMs: 1_000,
  valueBytes: 4 * 1024 * 1024,
  postsInFlight: 1_024,
  postsPerSecond: 1_000,
  lineChars: 4_096,
  strayOutputBytes: 64 * 1024,
  waitingCalls: 256,
  sentAhead: 64,
  glueCodeChars: 2_000_000,
  spares: 1,
  appsBytes: Infinity,
  budgetBytes: Infinity,
  reservedBytes: 128 * 1024 * 1024,
  heldHandles: 16_384,
  channels: 128,
}
