/**
 * What outlives this instance and the node's power: the temperature to keep, and whether the heater was on. Written when
 * it changes and not at each turn, as a flash wears out.
 */
import * as keyvalue from './bindings/wasi-keyvalue-store'
import { done, err, ok, Result, Unit } from './bindings/values'

const bucketName = 'thermostat'

/** @returns the text under the key; null where nothing was ever written */
export function recall(key: string): Result<string | null, string> {
  const opened = keyvalue.open(bucketName)
  if (opened.isErr) return err<string | null, string>(because('opened', opened.error))
  const bucket = opened.value
  const got = bucket.get(key)
  bucket.drop()
  if (got.isErr) return err<string | null, string>(because('read', got.error))
  const bytes = got.value
  if (bytes === null) return ok<string | null, string>(null)
  return ok<string | null, string>(String.UTF8.decode(bytes.buffer))
}

export function remember(key: string, text: string): Result<Unit, string> {
  const opened = keyvalue.open(bucketName)
  if (opened.isErr) return err<Unit, string>(because('opened', opened.error))
  const bucket = opened.value
  const set = bucket.set(key, Uint8Array.wrap(String.UTF8.encode(text)))
  bucket.drop()
  if (set.isErr) return err<Unit, string>(because('written', set.error))
  return done<string>()
}

function because(what: string, error: keyvalue.Error): string {
  const why = error.tag === keyvalue.ErrorTag.other ? error.asOther : 'it is not granted to this app'
  return 'the bucket "' + bucketName + '" cannot be ' + what + ': ' + why
}
