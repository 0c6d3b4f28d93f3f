/** Every bound of gateways, with its reason. */
export const gatewayLimits = {
  /** Places that one gateway keeps; each is a connection that stays open. */
  places: 256,
  /** How long a place is kept without another word: a gateway must not hold on to nodes that went elsewhere. */
  placeMs: 5 * 60_000,
  /** Circuits at once, in all; each may hold about 1.5 MB on its way while its ends are slow. */
  circuits: 128,
  /** Circuits that one member may have asked for; a node keeps 6 to 8 neighbours, and calls others now and then. */
  circuitsFrom: 32,
  /** Circuits that lead to one member, whoever asked: the other end allows as many streams of one gateway. */
  circuitsTo: 64,
  /** Bytes per second through a gateway in all, both directions together, where its owner says nothing else. */
  bytesPerSecond: 64 * 1024 * 1024,
  /** Of these what one member may use, so that one download leaves room for calls. */
  memberShare: 0.5,
  /** Asking takes a round trip or two; beyond this the other side is gone. */
  askMs: 5_000,
  /** A circuit through which nothing came for so long is closed: members probe each other every few seconds. */
  idleMs: 2 * 60_000,
  /** Requests to a gateway that one member may have open before they are answered. */
  requestStreams: 64,
  /** Addresses of one node that a member tries when it is asked to dial back. */
  dialBackAddresses: 4,
  /** One of these must answer in this time. */
  dialBackMs: 4_000,
  /** How often one member may ask another to dial back. */
  dialBackEveryMs: 5_000,
} as const
