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
  ERR_NODE_TOO_OLD: {
    kind: 'system',
    text: 'this Node.js is older than 18.20',
    fix: 'install a newer Node.js, or start selvedge with another one that is here',
  },
  ERR_PROGRAM_INCOMPLETE: {
    kind: 'system',
    text: 'a file of the program is missing, cut short, or of another build than the files beside it',
    fix: 'install selvedge again, into an empty folder; data and settings are elsewhere and stay',
  },
  ERR_START_FOLDER: {
    kind: 'system',
    text: 'the folder that it was started in, or the home of whoever runs it, is not there',
    fix: 'start it in another folder, or set HOME',
  },
  ERR_ADDRESSES: {
    kind: 'system',
    text: 'the process may have too few addresses for the WebAssembly that selvedge needs itself',
    fix: 'raise the limit (`ulimit -v unlimited`, or LimitAS=infinity in a unit), or use Node.js 20.15 or later, which does with 8 GB',
  },
  ERR_OUTPUT: {
    kind: 'system',
    text: 'standard output takes nothing more',
    fix: 'make room where it is written to, or send it elsewhere',
  },
  ERR_UNKNOWN_DEVICE: {
    kind: 'user',
    text: 'the node has no sensor or pin of this name',
    fix: 'see its devices with `selvedge sensors`',
  },
  ERR_RECORD_FILE: {
    kind: 'user',
    text: 'a trace of sensors cannot be written to its file',
    fix: 'name a file that can be written, or - for standard output',
  },
  ERR_VALUE_FILE: {
    kind: 'user',
    text: 'a value cannot be read from its file',
    fix: 'name a file that is there and can be read, or give the value itself',
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
  ERR_UNKNOWN_VERSION: {
    kind: 'user',
    text: 'the node knows no release of an app with this version',
    fix: 'see the versions with `selvedge releases APP`',
  },
  ERR_IMPORT_COMPONENT: {
    kind: 'remote',
    text: 'the chunks of a component in a bundle add up to something else than was signed',
    fix: 'have the bundle written anew; that release was not taken, those before it were',
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
  ERR_PUBLISHER_KEY_MESH: {
    kind: 'user',
    text: 'the key that was given to publish with is of another mesh than the node',
    fix: 'publish at a node of that mesh, or take the key that was made for this one',
  },
  ERR_NO_ADMIN_KEY: {
    kind: 'user',
    text: 'the key that admins sign with is not in the key folder',
    fix: 'run this on the machine that has it, or set SELVEDGE_KEYS to the folder that does',
  },
  ERR_NO_ROOT_KEY: {
    kind: 'user',
    text: 'a change of whom the mesh believes is signed with root keys, and none is in the key folder',
    fix: 'run this where a root key is, or set SELVEDGE_KEYS to the folder that has it',
  },
  ERR_NOT_CONFIRMED: {
    kind: 'user',
    text: 'a command asked before it signed, and the answer was not yes',
    fix: 'run it on a terminal and answer y, or give --yes',
  },
  ERR_NO_PASSPHRASE: {
    kind: 'user',
    text: 'a key was to be encrypted, and there was no passphrase',
    fix: 'run it on a terminal, or give the passphrase in SELVEDGE_PASSPHRASE',
  },
  ERR_UNKNOWN_KEY: {
    kind: 'user',
    text: 'no key, or more than one, is what was typed',
    fix: 'see the keys with `selvedge trust show` and `selvedge key list`; the first 8 characters are enough',
  },
  ERR_UNKNOWN_MESH: {
    kind: 'user',
    text: 'the key folder has keys of no mesh, or of several, and it was not said which is meant',
    fix: 'see them with `selvedge key list`, and name one with --mesh',
  },
  ERR_UNKNOWN_SUBJECT: {
    kind: 'user',
    text: 'neither a node nor an app of the mesh has this name',
    fix: 'see the nodes with `selvedge status` and the apps with `selvedge releases`',
  },
  ERR_UNKNOWN_GROUP: {
    kind: 'user',
    text: 'no node of the mesh is in a group of this name',
    fix: 'see the groups with `selvedge status`',
  },
  ERR_UNKNOWN_NODE: {
    kind: 'user',
    text: 'no member, or more than one, has this name',
    fix: 'see the members with `selvedge status`; `selvedge status --json` has their ids',
  },
  ERR_UNKNOWN_RELEASE: {
    kind: 'user',
    text: 'no release, or more than one, has this version',
    fix: 'see them with `selvedge releases APP`, and write APP@VERSION, or APP@ and the first characters of the digest',
  },
  ERR_REVOKE_SELF: {
    kind: 'user',
    text: 'a node was asked to take its own revocation, after which it could not pass it on',
    fix: 'run the command at another node: give --data, or run it on another machine',
  },
  ERR_PROPOSAL_FILE: {
    kind: 'user',
    text: 'a file is no proposal that the roots of this mesh sign',
    fix: 'copy the whole file that the first root wrote, and run this at a node of the same mesh',
  },
  ERR_PROPOSAL_OUT: {
    kind: 'user',
    text: 'what more roots must sign cannot be written to its file, and nothing has changed',
    fix: 'run it in a folder that can be written, or name a file there with --out FILE',
  },
  ERR_TRUST_ANSWER: {
    kind: 'system',
    text: 'what a node says of whom its mesh trusts does not hold',
    fix: 'do not sign anything at this node; ask another one with --data',
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
  ERR_CALL_RETURNED: {
    kind: 'user',
    text: 'a function that was called returned its own error',
    fix: 'what it means is the app’s to say; see what it takes with `selvedge call APP`',
  },
  ERR_NO_FUNCTIONS: {
    kind: 'user',
    text: 'an app exports no function that can be called',
    fix: 'it works by its triggers: see `selvedge apps`, and what they made with `selvedge events APP`',
  },
  ERR_UNKNOWN_FUNCTION: {
    kind: 'user',
    text: 'an app exports no function of this name',
    fix: 'see its functions with `selvedge call --help APP`',
  },
  ERR_NOT_IN_TIME: {
    kind: 'remote',
    text: 'something is under way and was not finished in the time given',
    fix: 'watch it with `selvedge status --watch`, or wait longer with --timeout',
  },
})
