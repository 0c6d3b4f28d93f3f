/**
 * Statements as signed records: COSE_Sign1 over a short CBOR array, checked before anything in it is read. The signer is
 * known by its key alone. Further elements, of a newer node, are kept and passed on as they came.
 */
import * as v from 'valibot'
import {
  decodeCbor,
  encodeCbor,
  isDigest,
  isPublicKey,
  isSelvedgeError,
  sign1,
  verify1,
  type Digest,
  type KeyPair,
} from '../../core/index.ts'
import { nodeIdOf, publicKeyOf, type NodeId } from '../identity/index.ts'
import { membershipProblems } from './problems.ts'
import {
  evidences,
  farewells,
  voteVerdicts,
  type OwnWord,
  type Sealed,
  type Seal,
  type Statement,
  type Vote,
} from './statement.ts'

export const maxStatementBytes = 512

const purpose = 'membership'
const nonceBytes = 8
const dayMs = 86_400_000

const kinds = ['vote', 'alive', 'left'] as const
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const span = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(dayMs))
const bytesOf = (length: number) =>
  v.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length === length,
    `has not ${length} bytes`,
  )
const key = v.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && isPublicKey(value),
  'is no Ed25519 public key',
)
const index = (list: readonly string[]) =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(list.length - 1))

const wordSchema = v.looseTuple([index(kinds), bytesOf(32), count, count, bytesOf(nonceBytes)])
const voteSchema = v.looseTuple([
  index(kinds),
  bytesOf(32),
  count,
  count,
  key,
  index(voteVerdicts),
  index(evidences),
  count,
  count,
  span,
  span,
  v.boolean(),
  v.boolean(),
])

export interface Notary {
  readonly seal: Seal
  /** @throws ERR_VOTE for what is not signed, not of this mesh, or not of the form */
  open(bytes: Uint8Array): Sealed
}

/** Signs with the node's key and reads what others signed in the same mesh. */
export function createNotary(mesh: Digest, nodeKey: KeyPair): Notary {
  if (!isDigest(mesh)) throw new TypeError('a mesh is named by a digest')
  const meshBytes = new Uint8Array(Buffer.from(mesh, 'hex'))
  const names = new Names()
  return {
    seal: (statement) => ({
      statement,
      bytes: sign1({ purpose, payload: encodeCbor(elementsOf(statement, meshBytes, names)), key: nodeKey }),
    }),
    open(bytes) {
      try {
        const { payload, kid } = verify1(bytes, { purpose, maxBytes: maxStatementBytes })
        return { statement: readStatement(payload, names.nameOf(kid), meshBytes, names), bytes }
      } catch (error) {
        if (isSelvedgeError(error) && error.code !== 'ERR_VOTE') throw refused(error.message, error)
        throw error
      }
    },
  }
}

function elementsOf(statement: Statement, mesh: Uint8Array, names: Names): unknown[] {
  const { boot, number } = statement.incarnation
  const head = [kinds.indexOf(statement.kind), mesh, boot, number]
  if (statement.kind !== 'vote') {
    const word = [...head, new Uint8Array(Buffer.from(statement.nonce, 'hex'))]
    const { farewell } = statement
    return farewell === undefined ? word : [...word, farewells.indexOf(farewell)]
  }
  return [
    ...head,
    names.keyOf(statement.about),
    voteVerdicts.indexOf(statement.verdict),
    evidences.indexOf(statement.evidence),
    statement.order.boot,
    statement.order.number,
    statement.silentMs,
    statement.ageMs,
    statement.isWide,
    statement.isOneWay,
  ]
}

function readStatement(payload: Uint8Array, by: NodeId, mesh: Uint8Array, names: Names): Statement {
  const value = decodeCbor(payload, { maxBytes: maxStatementBytes, maxDepth: 2, maxItems: 32 })
  const kind = kinds[Array.isArray(value) ? Number(value[0]) : -1]
  if (kind === undefined) throw refused('it is of no kind that this version knows')
  return kind === 'vote' ? readVote(value, by, mesh, names) : readWord(value, kind, by, mesh)
}

function readWord(value: unknown, kind: OwnWord['kind'], by: NodeId, mesh: Uint8Array): OwnWord {
  const [, of, boot, number, nonce, why] = parsed(wordSchema, value)
  requireMesh(of, mesh)
  const word = {
    kind,
    by,
    about: by,
    incarnation: { boot, number },
    nonce: Buffer.from(nonce).toString('hex'),
  }
  // A reason that this version does not know is none.
  const farewell = kind === 'left' && typeof why === 'number' ? farewells[why] : undefined
  return farewell === undefined ? word : { ...word, farewell }
}

function readVote(value: unknown, by: NodeId, mesh: Uint8Array, names: Names): Vote {
  const [, of, boot, number, about, verdict, evidence, orderBoot, order, silentMs, ageMs, isWide, isOneWay] =
    parsed(voteSchema, value)
  requireMesh(of, mesh)
  return {
    kind: 'vote',
    by,
    about: names.nameOf(about),
    incarnation: { boot, number },
    verdict: voteVerdicts[verdict] ?? 'suspect',
    evidence: evidences[evidence] ?? 'no-answer',
    order: { boot: orderBoot, number: order },
    silentMs,
    ageMs,
    isWide,
    isOneWay,
  }
}

function parsed<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  throw refused(`element ${v.getDotPath(issue) ?? ''} ${issue.message}`)
}

function requireMesh(of: Uint8Array, mesh: Uint8Array): void {
  if (Buffer.compare(of, mesh) !== 0) throw refused('it is of another mesh')
}

function refused(what: string, cause?: unknown): Error {
  return membershipProblems.error('ERR_VOTE', `what a member said about another was refused: ${what}`, {
    cause,
  })
}

/** Keys and the names made of them: base58 takes longer than a look into a map. */
class Names {
  readonly #keys = new Map<NodeId, Uint8Array>()
  readonly #names = new Map<string, NodeId>()
  static readonly #most = 8_192

  keyOf(node: NodeId): Uint8Array {
    const known = this.#keys.get(node) ?? publicKeyOf(node)
    if (this.#keys.size < Names.#most) this.#keys.set(node, known)
    return known
  }

  nameOf(key: Uint8Array): NodeId {
    const text = Buffer.from(key).toString('latin1')
    const known = this.#names.get(text) ?? nodeIdOf(key)
    if (this.#names.size < Names.#most) this.#names.set(text, known)
    return known
  }
}
