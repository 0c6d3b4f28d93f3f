/**
 * A Debian with systemd gets the package, runs a node under the hardened unit that hosts an app, is upgraded, and gets rid
 * of it again; then the archive's `service install` does the same, and takes itself back where the node does not start.
 */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bootDebian, debianRoot, lacksDebian, put, type Machine } from './debian-root.ts'
import { nodeBinary } from './node-binary.ts'
import { expectText, mustTell, type Trial, type TrialContext } from './trial.ts'

/** Other system calls than Debian's, and sandboxes that are kept from files. */
const newestVersion = '24.21.0'

const settings = `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"
[pins.led]
driver = "simulated"
`

export const debianLife: Trial = {
  name: 'Debian with systemd: package, hardened service, upgrade, purge, `service install`',
  lacks: lacksDebian,
  async run(context) {
    const { root, scratch, deb, archive, version, say } = context
    const folder = debianRoot(root, scratch, say)
    put(folder, 'root/selvedge.deb', readFileSync(deb))
    put(folder, 'root/node.toml', settings)
    mustTell([process.execPath, join(root, 'scripts/build-components.mjs')])
    cpSync(join(root, 'components/light-alarm'), join(folder, 'root/light-alarm'), { recursive: true })
    mustTell(['tar', 'xzf', archive, '-C', join(folder, 'opt')])
    const newest = nodeBinary(root, newestVersion)
    if (newest !== null) cpSync(newest, join(folder, 'opt/node'))
    const machine = await bootDebian(folder)
    try {
      packageLife(machine, context)
      serviceLife(machine, `node /opt/selvedge-${version}/selvedge.mjs`)
      if (newest === null)
        say(`  the unit with Node.js ${newestVersion}: not tried, npm has no binary of it for this machine`)
      else newestLife(machine, `/opt/node /opt/selvedge-${version}/selvedge.mjs`)
    } finally {
      machine.stop()
    }
  },
}

/** @throws where it fails */
function must(machine: Machine, line: string, pattern?: RegExp): string {
  const { status, text } = machine.tell(line)
  if (status !== 0) throw new Error(`${line} ended with ${status}:\n${text.slice(-2_000)}`)
  if (pattern !== undefined) expectText(line, text, pattern)
  return text
}

const untilAnswers =
  'for i in $(seq 60); do selvedge status >/dev/null 2>&1 && exit 0; sleep 0.5; done; exit 1'

function packageLife(machine: Machine, { say }: TrialContext): void {
  // A board's group, which Debian alone has not.
  must(machine, 'groupadd --system gpio')
  must(machine, 'dpkg -i /root/selvedge.deb', /systemctl enable --now selvedge/)
  must(machine, 'id -nG selvedge', /gpio/)
  must(machine, 'systemctl is-active selvedge || true', /inactive/)
  must(machine, 'systemd-analyze verify selvedge.service')
  say(`  ${must(machine, 'systemd-analyze security selvedge --no-pager | tail -1').trim()}`)
  must(machine, 'cp /root/node.toml /etc/selvedge/node.toml && systemctl enable --now selvedge')
  must(machine, untilAnswers)
  must(
    machine,
    'cat /proc/$(systemctl show -p MainPID --value selvedge)/status',
    /CapBnd:\s0{16}\nCapAmb[^]*NoNewPrivs:\s1\nSeccomp:\s2/,
  )
  must(machine, 'cd /root && selvedge publish light-alarm --no-build --wait', /on 1\/1/)
  must(
    machine,
    'for i in $(seq 40); do selvedge logs light-alarm | grep -q "led on" && exit 0; sleep 0.5; done; exit 1',
  )
  must(machine, 'selvedge doctor', /nothing is wrong/)
  must(machine, 'kill -9 $(systemctl show -p MainPID --value selvedge); sleep 6')
  must(machine, untilAnswers)
  must(machine, 'dpkg -i /root/selvedge.deb')
  must(machine, untilAnswers)
  must(machine, 'selvedge apps', /light-alarm/)
  must(machine, 'selvedge stop; sleep 7; systemctl is-active selvedge || true', /^inactive/m)
  must(machine, 'dpkg --remove selvedge && test -d /var/lib/selvedge/identity && test ! -e /usr/lib/selvedge')
  must(machine, 'dpkg -i /root/selvedge.deb && dpkg --purge selvedge')
  const left = must(
    machine,
    'find / -xdev -name "*selvedge*" -not -path "/root/*" -not -path "/opt/*" -not -path "/proc/*"',
  )
  if (left.trim() !== '') throw new Error(`a purge left:\n${left}`)
  must(machine, '! id selvedge')
}

function serviceLife(machine: Machine, selvedge: string): void {
  must(machine, `${selvedge} service status; test $? = 1`, /no node is a service/)
  must(machine, `${selvedge} service install`, /the node runs/)
  must(machine, `${selvedge} service status`, /^running · starts with the machine/)
  must(machine, `${selvedge} status`, /this node/)
  must(machine, `${selvedge} service uninstall`, /stays \/var\/lib\/selvedge/)
  must(machine, 'userdel selvedge; rm -r /var/lib/selvedge; echo "nonsense = 1" > /etc/selvedge/node.toml')
  must(machine, `${selvedge} service install; test $? = 1`, /ERR_SERVICE_DOWN[^]*ERR_CONFIG_INVALID/)
  must(
    machine,
    'test ! -e /etc/systemd/system/selvedge.service -a ! -e /etc/default/selvedge -a ! -e /var/lib/selvedge',
  )
  must(machine, '! id selvedge')
}

/** The unit leaves a newer V8 what it needs, and a sandbox in a process of its own. */
function newestLife(machine: Machine, selvedge: string): void {
  must(machine, 'cp /root/node.toml /etc/selvedge/node.toml')
  must(machine, `${selvedge} service install`, /the node runs/)
  must(
    machine,
    'cd /root && printf \'\\n[instances]\\nisolation = "process"\\n\' >> light-alarm/selvedge.toml',
  )
  must(machine, `cd /root && ${selvedge} publish light-alarm --no-build --wait`, /on 1\/1/)
  must(machine, `${selvedge} apps --json`, /"isolation":"process","confinement":"permission-model"/)
  must(machine, `${selvedge} doctor`, /nothing is wrong/)
  must(machine, `${selvedge} service uninstall`)
}
