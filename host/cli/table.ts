/** Columns that line up, whatever colour is in them. */

// Colour sequences take no room. Only our own come this far: text from elsewhere went through `plain`.
// oxlint-disable-next-line no-control-regex
const colourSequence = /\u001b\[[0-9;]*m/g

export function visibleLength(text: string): number {
  return text.replace(colourSequence, '').length
}

export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleLength(text)))
}

/** Rows of cells, each column as wide as its widest cell, two spaces between; no spaces at line ends. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => visibleLength(row[column] ?? ''))),
  )
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => padTo(cell, widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
