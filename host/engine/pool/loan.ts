/** One instance for one caller: who waits for it, and what it took. */
import { isSelvedgeError } from '../../../core/index.ts'
import type { Borrower, Loan, Sandbox } from '../contract.ts'

/** A call that dead instances never came to is given to so many others. */
const maxRepeats = 3

export class PoolLoan implements Loan {
  /** Among all calls of the pool, from 1. */
  readonly number: number
  readonly #borrower: Borrower
  readonly #ended: (loan: PoolLoan, again: boolean) => void
  #id = 0
  #sandbox: Sandbox | null = null
  #activeMs = 0
  #calls = 0

  /** @param ended told that the instance is free, and whether its caller wants another */
  constructor(borrower: Borrower, number: number, ended: (loan: PoolLoan, again: boolean) => void) {
    this.number = number
    this.#borrower = borrower
    this.#ended = ended
  }

  /** Whether it was never lent. */
  get isFirst(): boolean {
    return this.#sandbox === null
  }

  isOf(borrower: Borrower): boolean {
    return this.#borrower === borrower
  }

  /** Of the instance. */
  get id(): number {
    return this.#id
  }

  get sandbox(): Sandbox {
    if (this.#sandbox === null) throw new Error('a loan was used before it was lent')
    return this.#sandbox
  }

  /** Its mean time for one call, while this lasted. */
  get busyMs(): number {
    const { usage } = this.sandbox
    return (usage.activeMs - this.#activeMs) / Math.max(1, usage.calls - this.#calls)
  }

  lend(id: number, sandbox: Sandbox): void {
    const { usage } = sandbox
    this.#id = id
    this.#sandbox = sandbox
    this.#activeMs = usage.activeMs
    this.#calls = usage.calls
    this.#borrower.lent(this)
  }

  refuse(error: Error): void {
    this.#borrower.refused(error)
  }

  end(again = false): void {
    const { sandbox } = this
    if (sandbox.incident === null) return this.#ended(this, again)
    // It has ended under the call: nobody gets it any more.
    void sandbox.ended.then(() => this.#ended(this, again))
  }
}

/** A borrower who is told by a promise. */
export class Lessee<Result> implements Borrower {
  readonly #use: (sandbox: Sandbox) => Promise<Result>
  readonly #resolve: (result: Result) => void
  readonly #reject: (error: unknown) => void
  #repeats: number

  constructor(
    use: (sandbox: Sandbox) => Promise<Result>,
    mayRepeat: boolean,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.#use = use
    this.#resolve = resolve
    this.#reject = reject
    this.#repeats = mayRepeat ? maxRepeats : 0
  }

  lent(loan: Loan): void {
    started(this.#use, loan.sandbox).then(
      (result) => {
        this.#resolve(result)
        loan.end()
      },
      (error: unknown) => {
        const again = this.#repeats > 0 && isSelvedgeError(error, 'ERR_APP_NOT_BEGUN')
        if (again) this.#repeats -= 1
        else this.#reject(error)
        loan.end(again)
      },
    )
  }

  refused(error: Error): void {
    this.#reject(error)
  }
}

/** What it throws at once is a rejection too. */
function started<Result>(use: (sandbox: Sandbox) => Promise<Result>, sandbox: Sandbox): Promise<Result> {
  try {
    return use(sandbox)
  } catch (error) {
    return Promise.reject(error as Error)
  }
}
