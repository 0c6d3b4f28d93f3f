/**
 * Sends each batch of readings as one message to the topic that the setting `topic` names; a bridge of some node takes it
 * from there to a broker. When `send` has returned, the message is on this node's disk: only then is the batch done, and
 * a batch that fails is handed over again. So a reading may arrive twice, and its `id` tells.
 */
import { batchJson } from './batch'
import { SensorEvent } from './bindings/selvedge-edge-sensor-batch-handler'
import { done, err, Result, Unit } from './bindings/values'
import * as config from './bindings/wasi-config-store'
import { Level, log } from './bindings/wasi-logging-logging'
import { Client, Error, Message, send } from './bindings/wasi-messaging-producer'
import { ErrorTag } from './bindings/wasi-messaging-types'

/** Used where the release sets no `topic`. */
const defaultTopic = 'telemetry/light'

/** Called for every batch, one at a time. */
export function handle(events: Array<SensorEvent>): Result<Unit, string> {
  if (events.length === 0) return done<string>()
  const setting = config.get('topic')
  if (setting.isErr) return failed('the setting "topic" cannot be read')
  const text = setting.value
  const topic = text === null ? defaultTopic : text

  const connected = Client.connect('')
  if (connected.isErr) return failed('no topics: ' + whyNot(connected.error))
  const client = connected.value
  const message = new Message(Uint8Array.wrap(String.UTF8.encode(batchJson(events))))
  message.setContentType('application/json')
  // Batches of one sensor arrive in their order.
  message.addMetadata('key', events[0].sensor)
  const sent = send(client, topic, message)
  client.drop()
  if (sent.isErr) return failed('"' + topic + '" takes nothing: ' + whyNot(sent.error))
  log(Level.info, 'uplink', events.length.toString() + ' readings to ' + topic)
  return done<string>()
}

function failed(why: string): Result<Unit, string> {
  return err<Unit, string>(why)
}

function whyNot(error: Error): string {
  if (error.tag === ErrorTag.connection) return error.asConnection
  if (error.tag === ErrorTag.permissionDenied) return error.asPermissionDenied
  if (error.tag === ErrorTag.other) return error.asOther
  return 'no answer in time'
}
