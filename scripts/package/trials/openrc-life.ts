/**
 * OpenRC in a folder with Debian's packages: `service install` makes a node that is supervised, and takes itself back where
 * the node does not start. OpenRC runs there without being the first process, which for services is enough.
 */
import { join } from 'node:path'
import { debianRoot, lacksDebian, put } from './debian-root.ts'
import { expectText, mustTell, type Trial } from './trial.ts'

/** Folders that OpenRC's own start as the first process would have made. */
const folders =
  'started starting stopping inactive wasinactive failed hotplugged scheduled exclusive options daemons tmp'

const life = `
mount -t proc proc /proc; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp; mkdir -p /run/lock
for name in ${folders}; do mkdir -p /run/openrc/$name; done
mknod -m 666 /dev/null c 1 3 2>/dev/null; mknod -m 666 /dev/urandom c 1 9 2>/dev/null
touch /run/openrc/softlevel; openrc --no-stop default >/dev/null 2>&1
export NODE_NO_WARNINGS=1
set -e
selvedge() { node "$PROGRAM" "$@"; }
answers() { for i in $(seq 60); do selvedge status >/dev/null 2>&1 && return 0; sleep 0.5; done; return 1; }
selvedge service install
selvedge service status
selvedge status
kill -9 "$(cat /run/openrc/options/selvedge/child_pid)"; sleep 6
answers && echo 'up again'
selvedge service uninstall
! selvedge service status
userdel selvedge; rm -r /var/lib/selvedge; echo 'nonsense = 1' > /etc/selvedge/node.toml
! selvedge service install
test ! -e /etc/init.d/selvedge -a ! -e /etc/conf.d/selvedge -a ! -e /var/lib/selvedge
! id selvedge
`

export const openrcLife: Trial = {
  name: 'Debian with OpenRC: `service install`, supervised, and taken back where it fails',
  lacks: lacksDebian,
  async run({ root, scratch, archive, version, say }) {
    const folder = debianRoot(root, scratch, say)
    mustTell(['tar', 'xzf', archive, '-C', join(folder, 'opt')])
    put(folder, 'root/life', life)
    const own = ['unshare', '--mount', '--pid', '--ipc', '--net', '--fork', '--kill-child']
    const program = `PROGRAM=/opt/selvedge-${version}/selvedge.mjs`
    const text = mustTell([
      ...own,
      'chroot',
      folder,
      'env',
      '-i',
      program,
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/root',
      'sh',
      '/root/life',
    ])
    expectText('the service', text, /^running · starts with the machine · openrc/m)
    expectText('the supervisor', text, /^up again$/m)
    expectText('a node that ends at once', text, /ERR_SERVICE_DOWN[^]*ERR_CONFIG_INVALID/)
  },
}
