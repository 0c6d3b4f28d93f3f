/** A file as it is packed. */
export interface PackageFile {
  /** Relative, with `/`. */
  readonly name: string
  readonly bytes: Uint8Array
  /** 0644 where it is left out. */
  readonly mode?: number
}

export function textFile(name: string, text: string, mode = 0o644): PackageFile {
  return { name, bytes: new Uint8Array(Buffer.from(text, 'utf8')), mode }
}

export function byName<Named extends { readonly name: string }>(files: readonly Named[]): Named[] {
  // By code units: the same on every machine, whatever its language.
  return [...files].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
