/** What can go wrong between two nodes. */
import { defineProblems } from '../../core/index.ts'

export const transportProblems = defineProblems({
  ERR_PORT_IN_USE: {
    kind: 'user',
    text: 'the address the node should listen on is taken',
    fix: 'stop the program that listens there, or choose another address with --listen',
  },
  ERR_ADDRESS: {
    kind: 'user',
    text: 'an address cannot be used',
    fix: 'write HOST:PORT or a multiaddr such as /ip4/192.0.2.7/tcp/4001',
  },
  ERR_DIAL_REFUSED: {
    kind: 'remote',
    text: 'the host answers, but nothing listens on the port',
    fix: 'start the node there, or correct the port',
  },
  ERR_DIAL_UNREACHABLE: {
    kind: 'remote',
    text: 'a peer cannot be reached',
    fix: 'check the address and the network between the two; the node keeps trying known members on its own',
  },
  ERR_DIAL_TIMEOUT: {
    kind: 'remote',
    text: 'a peer did not answer in time',
    fix: 'check that a firewall lets the port through; the node keeps trying known members on its own',
  },
  ERR_ADMISSION_REFUSED: {
    kind: 'remote',
    text: 'the peer did not admit this node to its mesh',
    fix: 'ask a member for a new invite and start with --join TOKEN',
  },
  ERR_ADMISSION_PROTOCOL: {
    kind: 'remote',
    text: 'a peer did not keep to the admission protocol',
    fix: 'check that the peer is a Selvedge node of this or the adjacent release',
  },
  ERR_PEER_NOT_ADMITTED: {
    kind: 'remote',
    text: 'the peer is not an admitted, connected member',
    fix: 'wait until the peer is connected again; `selvedge status` shows who is',
  },
  ERR_PEER_BANNED: {
    kind: 'remote',
    text: 'the peer is shut out for a while because it sent something wrong',
    fix: 'look at the log for the reason; the ban ends by itself',
  },
  ERR_GATEWAY_REFUSED: {
    kind: 'remote',
    text: 'a gateway did not connect this node with a member behind it',
    fix: 'nothing to do: its other addresses are tried; `selvedge status` shows whether the member is alive',
  },
  ERR_CIRCUIT_MESSAGE: {
    kind: 'remote',
    text: 'a message about a connection through a gateway cannot be read',
    fix: 'check that both nodes run this or the adjacent release',
  },
  ERR_FRAME_TOO_LARGE: {
    kind: 'remote',
    text: 'a message is larger than its protocol allows',
    fix: 'check that both nodes run this or the adjacent release',
  },
  ERR_CHANNEL_CLOSED: {
    kind: 'remote',
    text: 'the channel to a peer is closed',
    fix: 'nothing to do: the node opens it again when the peer is back',
  },
  ERR_NETWORK_OFF: {
    kind: 'user',
    text: "the node's network is switched off",
    fix: 'switch it on with `selvedge up` or the control API, then try again',
  },
})
