/** The bounds of the control API, in bytes, milliseconds and counts. */
export const apiLimits = {
  /** A message to send, in JSON and base64. */
  messageBytes: 512 * 1024,
  /** What is shown of the body of a message that is listened to: its line has to fit. */
  heardBytes: 24 * 1024,
  /** Topics that one client listens to. */
  topics: 16,
  /** An uploaded component. */
  componentBytes: 64 * 1024 * 1024,
  /** A signed record, and any JSON body. */
  recordBytes: 64 * 1024,
  /** What a call is asked with, its arguments included. */
  callBytes: 2 * 1024 * 1024,
  /** A call may take as long as the longest deadline of an app, and what it takes to get there. */
  callMs: 620_000,
  /** Records offered together, as many as a bundle may hold, and what frames them. */
  offerBytes: 68 * 1024 * 1024,
  /** One record or chunk on its way; a chunk list is the largest. */
  frameBytes: 2 * 1024 * 1024 + 1024,
  /** Chunks handed over together, and asked for together. */
  blobsBytes: 8 * 1024 * 1024,
  blobsAtOnce: 64,
  /** A signed trust bundle, revocation or heartbeat: a revocation may list all apps of a publisher. */
  trustBytes: 1_048_576,
  /** An answer that is not a stream, as the client takes it. */
  answerBytes: 16 * 1024 * 1024,
  /** One line of a stream: a message has 32 KiB of its body in base64, and metadata whose characters may take six bytes each in JSON. */
  lineBytes: 128 * 1024,
  /** Lines of one answer, and of one turn of a follower. */
  logLines: 1_000,
  /** What is searched for in logs, and how far back; other nodes take no more. */
  logTextChars: 128,
  logSinceMs: 366 * 24 * 3_600_000,
  connections: 64,
  /** At the address for build jobs, which strangers may reach. */
  deployConnections: 16,
  deployHeadBytes: 32 * 1024,
  /** Clients that follow logs at the same time. */
  followers: 16,
  /** What a client waits for an answer. */
  answerMs: 10_000,
  /** An upload is prepared before it is answered: a large component takes a small board most of a minute. */
  uploadMs: 120_000,
  /** How often a stream without news shows that it lives, and after how much silence a client gives up. */
  heartbeatMs: 5_000,
  silenceMs: 20_000,
  /** How long a client that sends too much may go on before its connection is cut. */
  drainMs: 1_000,
} as const
