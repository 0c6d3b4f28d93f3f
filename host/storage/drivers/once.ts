/** Does something when it is first asked for, and again only where that failed. */
export function once<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | null = null
  return () =>
    (result ??= run().catch((error: unknown) => {
      result = null
      throw error
    }))
}
