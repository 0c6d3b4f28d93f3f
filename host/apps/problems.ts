/** Why a release that this node should run does not run yet, or never will. */
import { defineProblems } from '../../core/index.ts'

export const appProblems = defineProblems({
  ERR_SENSOR_MISSING: {
    kind: 'user',
    text: 'the release is granted a sensor that this node does not have',
    fix: 'give the sensor a driver in the node’s TOML and start the node again',
  },
  ERR_PIN_MISSING: {
    kind: 'user',
    text: 'the release is granted a pin that this node does not have',
    fix: 'give the pin a driver in the node’s TOML and start the node again',
  },
  ERR_FOLDER_MISSING: {
    kind: 'user',
    text: 'the release is granted a folder that this node does not have',
    fix: 'give the folder a path in the node’s TOML and start the node again',
  },
  ERR_RELEASE_FIELD_UNKNOWN: {
    kind: 'user',
    text: 'the release needs a field to be understood that this node does not know',
    fix: 'bring the node up to date; until then it passes the release on and does not run it',
  },
  ERR_COMPONENT_UNAVAILABLE: {
    kind: 'remote',
    text: 'nobody in reach has the release’s component',
    fix: 'nothing to do: the node asks again by itself, at least every 30 s',
  },
  ERR_COMPONENT_BYTES: {
    kind: 'remote',
    text: 'the bytes that were fetched are not those that the release was signed over',
    fix: 'nothing to do: they were thrown away, and the node fetches them again',
  },
  ERR_APP_NODE_DIED: {
    kind: 'system',
    text: 'the node died while the app ran inside its process, and may have died of it',
    fix: 'nothing to do: the app runs in a process of its own until the node is started anew; if it dies there, it says of what',
  },
  ERR_APP_UNEXPECTED: {
    kind: 'system',
    text: 'a step of bringing an app up failed in a way that was not foreseen',
    fix: 'the node tries again by itself; please report the message',
  },
  ERR_EVENTS_DEAD: {
    kind: 'user',
    text: 'an app failed at events that it must handle, and after their last attempt they were put aside',
    fix: 'see why with `selvedge events APP --dead`; then replay them with --replay all, or delete them with --discard all',
  },
  ERR_CALL_FUNCTION: {
    kind: 'user',
    text: 'an app exports no function of that name that others could call',
    fix: 'see its functions with `selvedge call APP`',
  },
})
