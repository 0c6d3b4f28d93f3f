/** A fault as the committed report tells it: one line, without the folders of the machine that found it. */

/** A message with more in it is read where the run was made. */
const mostChars = 240
/** `SelvedgeError: it went wrong`, as Node.js prints what nobody caught. */
const named = /^(?:Uncaught )?(\w*Error(?: \[\w+\])?: .+)$/
/** From its first slash to what cannot be in one; a path within this repository has none in front. */
const absolutePath = /(?:file:\/\/)?(?<![\w.:/])\/(?:[^\s/:'"`()]+\/)+([^\s/:'"`()]*)/g

/** @param root of this repository: paths below it are told from there */
export function faultLine(fault: string, root: string): string {
  const lines = fault.split('\n').map((line) => line.trim())
  const [first = ''] = lines
  const cause = lines
    .slice(1)
    .map((line) => named.exec(line)?.[1])
    .find((line) => line !== undefined)
  // Behind what ended, Node.js quotes the source line that threw; what it threw comes after that.
  const said = cause === undefined ? first : `${first.replace(/:\s*(?:file:\/\/)?\/\S+:\d+$/, '')}: ${cause}`
  const plain = said
    .replaceAll(`file://${root}/`, '')
    .replaceAll(`${root}/`, '')
    .replace(absolutePath, (_, name: string) => `…/${name}`)
  return plain.length <= mostChars ? plain : `${plain.slice(0, mostChars)} …`
}
