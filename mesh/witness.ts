/** Sees what comes in and what is refused, and tells the audit and the ledger of attacks: the one place where they meet. */
import { digestOf, encodeCbor, isSelvedgeError, messageOf, type SelvedgeError } from '../core/index.ts'
import type { AttackLedger } from './attack-ledger.ts'
import { attackOf, attackOfCode, type AttackName } from './attacks.ts'
import type { Audit } from './audit.ts'
import { factsOf } from './audit-facts.ts'
import type { Alarm, NodeId } from './identity/index.ts'

/** Where something came from: a peer, or null for this node's own operator. */
type Source = NodeId | null

export class Witness {
  readonly #audit: Audit
  readonly #attacks: AttackLedger

  constructor(audit: Audit, attacks: AttackLedger) {
    this.#audit = audit
    this.#attacks = attacks
  }

  /** This node let another one in. @param credential all of it */
  letIn(credential: Uint8Array): void {
    this.taken('member', encodeCbor([credential]), null)
  }

  /** A signed record was taken. @param kind of head: `release` */
  taken(kind: string, bytes: Uint8Array, from: Source): void {
    this.#attacks.pardon(subjectOf(kind, bytes))
    const facts = factsOf(kind, bytes)
    if (facts !== null)
      this.#audit.add({ kind: 'taken', what: kind, ...facts, from, code: null, attack: null })
  }

  /**
   * A signed record was refused. An operator's own slip is no attack.
   * @param isOld it was held here before: who passes it on has not heard yet why it counts no more
   */
  refused(kind: string, bytes: Uint8Array, from: Source, error: unknown, isOld = false): void {
    const attack = from === null || isOld ? null : attackOf(error)
    const [message, subject] = [messageOf(error), subjectOf(kind, bytes)]
    this.#note(kind, {
      from,
      code: codeOf(error),
      attack,
      text: message,
      signers: factsOf(kind, bytes)?.signers,
    })
    if (attack === null) return
    // Whoever passes on what another node signs too often does as it should: the message begins with that node's id.
    const isOthers = codeOf(error) === 'ERR_NODE_RECORD_RATE' && !message.startsWith(`${from} `)
    const peer = isOthers ? null : from
    this.#attacks.report({ attack, peer, detail: message, subject })
  }

  /** Something other than a record was refused: a connection, an application, bytes. */
  refusedPeer(what: string, from: NodeId, { code, message }: { code: string; message: string }): void {
    const attack = attackOfCode(code)
    this.#note(what, { from, code, attack, text: message })
    if (attack !== null) this.#attacks.report({ attack, peer: from, detail: message })
  }

  /** A build job's request was refused: it is no peer, and says of itself what it likes. */
  refusedJob(error: SelvedgeError, address: string): void {
    this.#note('deploy', {
      from: null,
      code: error.code,
      attack: null,
      text: `a build job at ${address}: ${error.message}`,
    })
  }

  /** A sign of an attack that no single refusal stands for. */
  seen(what: string, attack: AttackName, from: Source, detail: string): void {
    this.#note(what, { from, code: null, attack, text: detail })
    this.#attacks.report({ attack, peer: from, detail })
  }

  alarm({ code, message }: Alarm): void {
    const attack = attackOfCode(code)
    this.#audit.add({ kind: 'alarm', what: 'alarm', text: message, signers: [], from: null, code, attack })
    if (attack !== null) this.#attacks.report({ attack, peer: null, detail: message })
  }

  #note(
    what: string,
    {
      signers = [],
      ...news
    }: {
      from: Source
      code: string | null
      attack: AttackName | null
      text: string
      signers?: readonly string[] | undefined
    },
  ): void {
    this.#audit.add({ kind: 'refused', what, signers, ...news })
  }
}

function subjectOf(kind: string, bytes: Uint8Array): string {
  return `${kind} ${digestOf(bytes)}`
}

function codeOf(error: unknown): string | null {
  return isSelvedgeError(error) ? error.code : null
}
