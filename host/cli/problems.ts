/** What can go wrong in a command before or after it talks to the daemon. */
import { defineProblems } from '../../core/index.ts'

export const cliProblems = defineProblems({
  ERR_USAGE: {
    kind: 'user',
    text: 'a command was given something it does not understand',
    fix: 'see `selvedge help` and `selvedge COMMAND --help`',
  },
  ERR_UNKNOWN_COMMAND: {
    kind: 'user',
    text: 'there is no command of this name',
    fix: 'see the commands with `selvedge help`',
  },
  ERR_UNKNOWN_OPTION: {
    kind: 'user',
    text: 'a command has no option of this name',
    fix: 'see its options with `selvedge COMMAND --help`',
  },
  ERR_OUTPUT: {
    kind: 'system',
    text: 'standard output takes nothing more',
    fix: 'make room where it is written to, or send it elsewhere',
  },
  ERR_UNKNOWN_CODE: {
    kind: 'user',
    text: 'no problem has this code',
    fix: 'list all codes with `selvedge explain`',
  },
  ERR_UNKNOWN_APP: {
    kind: 'user',
    text: 'the node knows no release of this app',
    fix: 'see the apps with `selvedge apps`',
  },
  ERR_COMPONENT_FILE: {
    kind: 'user',
    text: 'a component cannot be read from its file',
    fix: 'build it with `selvedge build`, or name the .wasm file',
  },
  ERR_NO_PUBLISHER_KEY: {
    kind: 'user',
    text: 'the key that releases are signed with is not in the key folder',
    fix: 'publish from the machine that has it, or set SELVEDGE_KEYS to the folder that does',
  },
  ERR_NO_ADMIN_KEY: {
    kind: 'user',
    text: 'the key that invites are signed with is not in the key folder',
    fix: 'invite from the machine that has it, or set SELVEDGE_KEYS to the folder that does',
  },
  ERR_UPLOAD_MISMATCH: {
    kind: 'system',
    text: 'the node read other bytes than were sent, so nothing was signed',
    fix: 'try again; if it stays so, the file changes while it is read, or the node’s disk is failing',
  },
  ERR_RELEASE_NOT_RUNNING: {
    kind: 'remote',
    text: 'a release was accepted, and a node that should run it refuses or cannot keep it running',
    fix: 'correct what the node names and publish again; what ran before keeps running',
  },
  ERR_NOBODY_IN_GROUP: {
    kind: 'user',
    text: 'a release was to go to groups that no node of the mesh belongs to, where it would run nowhere',
    fix: 'see the groups with `selvedge status`, and publish again with --group; or let a node in with `selvedge invite --group`',
  },
  ERR_NOT_IN_TIME: {
    kind: 'remote',
    text: 'something is under way and was not finished in the time given',
    fix: 'watch it with `selvedge status --watch`, or wait longer with --timeout',
  },
})
