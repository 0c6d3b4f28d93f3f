/** Makes the absolute links of an unpacked tree point into the tree, wherever it lies. */
import { readdir, readlink, rm, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Of `folder` and all below it. @param root what `/` means to the links; a link is never followed */
export async function makeLinksRelative(root: string, folder: string = root): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await makeLinksRelative(root, path)
    else if (entry.isSymbolicLink()) await makeRelative(root, folder, path)
  }
}

async function makeRelative(root: string, folder: string, path: string): Promise<void> {
  const target = await readlink(path)
  if (!target.startsWith('/')) return
  await rm(path)
  await symlink(relative(folder, join(root, target)), path)
}
