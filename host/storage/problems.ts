/** What can go wrong with what apps store. */
import { defineProblems } from '../../core/index.ts'

export const storageProblems = defineProblems({
  ERR_STORAGE_TOO_LARGE: {
    kind: 'user',
    text: 'a key, a value, a name or a batch is larger than a store takes',
    fix: 'store it in smaller pieces; the message has the limit',
  },
  ERR_STORAGE_QUOTA: {
    kind: 'user',
    text: 'the app holds as much as it may store on this node',
    fix: 'let the app delete what it no longer needs; or ask for more with [limits.keyvalue] or [limits.blobstore] in its selvedge.toml, within what [storage] of the node’s TOML allows',
  },
  ERR_STORAGE_NUMBER: {
    kind: 'user',
    text: 'a value that should be incremented is not a whole number of 64 bits, or would not stay one',
    fix: 'increment only keys that hold a decimal number, or that are not set',
  },
  ERR_STORAGE_CURSOR: {
    kind: 'user',
    text: 'a cursor is not one that a listing gave',
    fix: 'hand on the cursor of the page before, or none to begin',
  },
  ERR_CONTAINER_MISSING: {
    kind: 'user',
    text: 'there is no container of that name',
    fix: 'create it first',
  },
  ERR_CONTAINER_EXISTS: {
    kind: 'user',
    text: 'a container of that name exists already',
    fix: 'get it instead of creating it, or delete it first',
  },
  ERR_OBJECT_MISSING: {
    kind: 'user',
    text: 'there is no object of that name',
    fix: 'see which there are by listing the container',
  },
  ERR_OBJECT_RANGE: {
    kind: 'user',
    text: 'a range lies outside the object',
    fix: 'ask for its size first; start and end are inclusive and count from 0',
  },
  ERR_OBJECTS_OPEN: {
    kind: 'user',
    text: 'the app reads or writes too many objects at once',
    fix: 'let it finish or drop some first',
  },
  ERR_STORAGE_DAMAGED: {
    kind: 'system',
    text: 'the file that an app’s data is in cannot be read as what it should be',
    fix: 'move the file away to begin with an empty store, or put back a copy; the message names it',
  },
  ERR_SNAPSHOT: {
    kind: 'user',
    text: 'a file is no snapshot that can be restored here',
    fix: 'use a file that `selvedge data snapshot` wrote, whole and unchanged; nothing was restored',
  },
  ERR_SNAPSHOT_APP: {
    kind: 'user',
    text: 'a snapshot is of another app',
    fix: 'name the app that it is of',
  },
  ERR_SNAPSHOT_GROUP: {
    kind: 'user',
    text: 'a snapshot has what another group shared, or does not say which',
    fix: 'restore it on a node of that group; or, where it is meant for this one, join it in with --any-group; nothing was restored',
  },
  ERR_SNAPSHOT_FILE: {
    kind: 'user',
    text: 'a snapshot’s file is there already, and is not written over',
    fix: 'name another file with -o, or move this one away',
  },
  ERR_SNAPSHOT_SIZE: {
    kind: 'user',
    text: 'an app has more objects than a snapshot takes',
    fix: 'copy `storage/` in the data folder while the node is stopped; no file was written',
  },
  ERR_STORAGE_ELSEWHERE: {
    kind: 'user',
    text: 'what the app stores is not on this node’s disk',
    fix: 'use the means of the server that it is at; `[storage]` in the node’s TOML names it',
  },
  ERR_STORAGE_FAILED: {
    kind: 'system',
    text: 'the store could not do what it was asked',
    fix: 'see the message; nothing that was acknowledged before is lost',
  },
  ERR_STORAGE_BYTE_ORDER: {
    kind: 'user',
    text: 'this machine and this Node.js together have no SQLite that works',
    fix: 'run the node with Node.js 22.13 or later, which has one of its own; apps that store nothing run without',
  },
  ERR_STORAGE_CLOSED: {
    kind: 'system',
    text: 'the store was closed while it was in use',
    fix: 'nothing to do: the node closes stores when it stops',
  },
})
