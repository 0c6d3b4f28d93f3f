/**
 * A person without any rights installs a node for themselves with `service install --user`, under a systemd of their own in a
 * booted Debian: it runs, is supervised, comes back with that systemd, and is taken away; one that does not start is taken
 * back. Their systemd is begun by hand, as log-ins would take PAM and D-Bus along: whether it lingers is logind's business.
 */
import { join } from 'node:path'
import { bootDebian, debianRoot, lacksDebian, type Machine } from './debian-root.ts'
import { expectText, mustTell, type Trial } from './trial.ts'

const person = 'maker'

export const userLife: Trial = {
  name: 'Debian with systemd: `service install --user` by a person without rights',
  lacks: lacksDebian,
  async run({ root, scratch, archive, version, say }) {
    const folder = debianRoot(root, scratch, say)
    mustTell(['tar', 'xzf', archive, '-C', join(folder, 'opt')])
    const machine = await bootDebian(folder)
    try {
      live(machine, `node /opt/selvedge-${version}/selvedge.mjs`)
    } finally {
      machine.stop()
    }
  },
}

/** The systemd of a person, without the PAM and the D-Bus of a log-in. */
const withoutLogIn = `
drop() { mkdir -p "/etc/systemd/system/$1.d" && printf '%b' "$2" > "/etc/systemd/system/$1.d/trial.conf"; }
drop user-runtime-dir@.service '[Service]\\nExecStart=\\nExecStart=/usr/bin/install -d -m 0700 -o %i /run/user/%i\\n'
drop user@.service '[Service]\\nPAMName=\\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\\n'
systemctl daemon-reload`

function live(machine: Machine, selvedge: string): void {
  const root = teller(machine, (line) => line)
  root(`useradd --create-home --shell /bin/sh ${person}`)
  const id = machine.tell(`id -u ${person}`).text.trim()
  const own = teller(machine, (line) => {
    const home = `HOME=/home/${person} XDG_RUNTIME_DIR=/run/user/${id} NODE_NO_WARNINGS=1`
    return `cd /home/${person} && setpriv --reuid ${person} --regid ${person} --init-groups env -i PATH="$PATH" ${home} sh -c ${quoted(line)}`
  })
  const begin = `systemctl start user@${id} && for i in $(seq 60); do test -S /run/user/${id}/systemd/private && exit 0; sleep 0.5; done; exit 1`
  const answers = `for i in $(seq 60); do ${selvedge} status >/dev/null 2>&1 && exit 0; sleep 0.5; done; exit 1`
  own(`${selvedge} service install`, /ERR_SERVICE_/, 1)
  root(withoutLogIn)
  // Nobody is logged in: there is no systemd of theirs to install into.
  own(`${selvedge} service install --user`, /^error\[ERR_SERVICE_/m, 1)
  own('test ! -e ~/.config/systemd/user/selvedge.service')
  root(begin)
  own(`${selvedge} service install --user`, /the node runs/)
  own(`${selvedge} service status --user`, /^running · /m)
  own(`${selvedge} status`, /this node/)
  own('systemctl --user kill --signal=KILL selvedge; sleep 6')
  own(answers)
  // As after a restart of the machine, for a person who lingers.
  root(`systemctl stop user@${id}`)
  own(`${selvedge} status`, /ERR_NODE_NOT_RUNNING/, 1)
  root(begin)
  own(answers)
  own(`${selvedge} service uninstall --user`, /stays /)
  own(`${selvedge} service status --user`, /no node is a service/, 1)
  own('test -d ~/.local/share/selvedge && rm -r ~/.local/share/selvedge')
  own('echo "nonsense = 1" > ~/node.toml')
  own(`${selvedge} service install --user --config ~/node.toml`, /ERR_SERVICE_DOWN[^]*ERR_CONFIG_INVALID/, 1)
  own('test ! -e ~/.config/systemd/user/selvedge.service -a ! -e ~/.local/share/selvedge')
}

type Teller = (line: string, pattern?: RegExp, status?: number) => void

/** @throws where it ends otherwise, or says something else */
function teller(machine: Machine, wrap: (line: string) => string): Teller {
  return (line, pattern, expected = 0) => {
    const { status, text } = machine.tell(wrap(line))
    if (status !== expected) throw new Error(`${line} ended with ${status}:\n${text.slice(-2_000)}`)
    if (pattern !== undefined) expectText(line, text, pattern)
  }
}

function quoted(line: string): string {
  return `'${line.replaceAll("'", "'\\''")}'`
}
