/** What can go wrong between this node and an MQTT broker. */
import { defineProblems } from '../../core/index.ts'

export const mqttProblems = defineProblems({
  ERR_BROKER_UNKNOWN: {
    kind: 'user',
    text: 'a sensor, pin or bridge names a broker that the node’s TOML does not have',
    fix: 'add a table [brokers.NAME] with its url, or correct the name',
  },
  ERR_BROKER_UNREACHABLE: {
    kind: 'remote',
    text: 'an MQTT broker cannot be reached',
    fix: 'check that the broker runs, and the url in its table; the node goes on trying, and what is to be sent waits',
  },
  ERR_BROKER_REFUSED: {
    kind: 'user',
    text: 'an MQTT broker refuses this node',
    fix: 'check username, password-file and client-id in the broker’s table, and what the broker allows that user',
  },
  ERR_BROKER_SILENT: {
    kind: 'remote',
    text: 'an MQTT broker takes connections and does not answer',
    fix: 'look at the broker: it may be overloaded, or something else listens at that address; the node tries again by itself',
  },
  ERR_BROKER_GARBAGE: {
    kind: 'remote',
    text: 'what answers at a broker’s address does not speak MQTT as it should',
    fix: 'check the url (mqtts:// for a port with TLS) and the broker’s version; the node tries again by itself',
  },
  ERR_BROKER_TLS: {
    kind: 'user',
    text: 'an MQTT broker and this node do not accept each other’s certificates',
    fix: 'see the message; ca in the broker’s table names the certificates to trust, certificate and key this node’s own, and the url the name that the broker’s certificate is for',
  },
  ERR_BROKER_SECRET: {
    kind: 'user',
    text: 'a file that a broker’s table names cannot be read',
    fix: 'check that the file is there and that the node’s user may read it; it is read again with each attempt',
  },
  ERR_BROKER_AWAY: {
    kind: 'remote',
    text: 'there is no connection to an MQTT broker',
    fix: 'see what status says about the broker; messages of bridges wait on the disk meanwhile',
  },
  ERR_BROKER_FILTERS: {
    kind: 'user',
    text: 'more topics are listened to at one broker than a node allows',
    fix: 'use wildcards (+ and #) instead of many topics',
  },
  ERR_BRIDGE_FULL: {
    kind: 'system',
    text: 'a bridge holds as many messages for its broker as it may',
    fix: 'see why the broker is away; raise size and items of the bridge in the node’s TOML, or choose when-full = "drop-oldest"',
  },
  ERR_BRIDGE_REFUSED: {
    kind: 'remote',
    text: 'a broker refuses messages of a bridge, or they are more than a node takes',
    fix: 'let the broker allow this node the topics; see what it refused with `selvedge events bridge/NAME`, and send it again with --replay all (or start the node again)',
  },
  ERR_BRIDGE_STORE: {
    kind: 'system',
    text: 'a bridge cannot keep messages on the disk of this node',
    fix: 'check the disk; the bridge goes on by itself when it can, and takes nothing before',
  },
  ERR_TOPIC_INVALID: {
    kind: 'user',
    text: 'something is no MQTT topic, or no filter of topics',
    fix: 'write levels with / between them, without a zero character; + and # only in filters, each alone in its level, # as the last',
  },
})
