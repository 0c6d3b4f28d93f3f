/**
 * docs/Containerfile built into an image by buildah, and a node run from that image as the image says: its user, its
 * variables, its start. Isolation is that of a changed root, as no engine may be at hand; the base is Debian's packages
 * unpacked here, as no registry may be.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { debianRoot, lacksDebian } from './debian-root.ts'
import { expectText, missingTools, mustTell, type Trial } from './trial.ts'

const base = 'localhost/debian:trial'
const image = 'localhost/selvedge:trial'

export const containerImage: Trial = {
  name: 'docs/Containerfile as an image of buildah, and a node from it',
  lacks: () =>
    lacksDebian() ?? (missingTools(['buildah']).length > 0 ? 'buildah: apt-get install buildah' : null),
  async run({ root, scratch, archive, say }) {
    const folder = debianRoot(root, scratch, say)
    const store = [
      '--root',
      join(scratch, 'images'),
      '--runroot',
      join(scratch, 'run'),
      '--storage-driver',
      'vfs',
    ]
    const buildah = (...args: string[]): string =>
      mustTell(['buildah', ...store, ...args], {
        env: { ...process.env, BUILDAH_ISOLATION: 'chroot' },
      }).trim()
    // Of what it prints the last line is the answer; warnings precede it.
    const told = (...args: string[]): string =>
      buildah(...args)
        .split('\n')
        .at(-1) ?? ''
    const bare = told('from', 'scratch')
    mustTell(['cp', '-a', `${folder}/.`, `${told('mount', bare)}/`])
    buildah('umount', bare)
    buildah('commit', '--quiet', bare, base)
    copyFileSync(archive, join(scratch, basename(archive)))
    writeFileSync(
      join(scratch, 'Containerfile'),
      recipe(readFileSync(join(root, 'docs/Containerfile'), 'utf8')),
    )
    buildah('bud', '--pull-never', '--tag', image, '--file', join(scratch, 'Containerfile'), scratch)
    const about = buildah('inspect', '--type', 'image', image)
    expectText('the image', about, /"Entrypoint": \[\s*"selvedge"/)
    expectText('the image', about, /"User": "selvedge"/)
    const script = [
      'test "$(id -un)" = selvedge',
      'selvedge up --no-mdns --listen /ip4/127.0.0.1/tcp/0 & node=$!',
      'for i in $(seq 150); do selvedge status >/dev/null 2>&1 && break; sleep 0.2; done',
      'selvedge status && selvedge stop; wait $node',
    ].join('\n')
    const ran = buildah('run', told('from', '--pull-never', image), '--', 'sh', '-ec', script)
    expectText('the container', ran, /this node/)
  },
}

/** Debian and its Node.js are in the base already. */
function recipe(text: string): string {
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => !/^RUN .*apt-get install/.test(line))
    .join('\n')
    .replace(/^FROM .*$/m, `FROM ${base}`)
}
