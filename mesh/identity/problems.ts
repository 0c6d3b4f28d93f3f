import { defineProblems } from '../../core/index.ts'

export const identityProblems = defineProblems({
  ERR_NODE_ID: {
    kind: 'user',
    text: 'a node id is not the peer id of an Ed25519 key',
    fix: 'copy the whole id, it starts with 12D3KooW; `selvedge status --json` lists them',
  },
  ERR_KEY_MISSING: {
    kind: 'user',
    text: 'a key that is needed to sign is not in the key folder',
    fix: 'run this where the key is, or point $SELVEDGE_KEYS at the folder that has it',
  },
  ERR_KEY_PERMISSIONS: {
    kind: 'user',
    text: 'a private key can be read by others on this machine',
    fix: 'take the right to read it away from everybody but its owner: chmod 600',
  },
  ERR_KEY_DAMAGED: {
    kind: 'user',
    text: 'a key file cannot be read',
    fix: 'put the file back from a backup; it cannot be rebuilt',
  },
  ERR_KEY_PASSPHRASE: {
    kind: 'user',
    text: 'a key file is encrypted, and was not opened with its passphrase',
    fix: 'give the passphrase the key was encrypted with; it cannot be recovered, a lost one means a new key',
  },
  ERR_KEY_TEXT: {
    kind: 'user',
    text: 'what was given as a deploy key is none',
    fix: 'copy the whole line that `selvedge trust add-publisher --deploy` printed; it starts with selvedge-deploy-1.',
  },
  ERR_KEY_EXISTS: {
    kind: 'user',
    text: 'a key file is already there and would have been overwritten',
    fix: 'move the old key away first if it is really meant to be replaced',
  },
  ERR_TRUST_INVALID: {
    kind: 'remote',
    text: 'a trust bundle does not have the form this version reads',
    fix: 'update this node if other nodes read it; otherwise ask the operator to sign it again',
  },
  ERR_TRUST_SIGNATURE: {
    kind: 'remote',
    text: 'a trust bundle was altered after it was signed, or is not signed at all',
    fix: 'get it again from where it was signed; nothing was changed here',
  },
  ERR_TRUST_THRESHOLD: {
    kind: 'remote',
    text: 'a trust bundle is not signed by enough of the roots',
    fix: 'have it signed by as many roots as the threshold of the version before it and its own ask for',
  },
  ERR_TRUST_DUPLICATE: {
    kind: 'remote',
    text: 'a trust bundle carries more than one signature of the same key',
    fix: 'have each root sign once: one key counts once, however often it signs',
  },
  ERR_TRUST_MIXED: {
    kind: 'remote',
    text: 'a trust bundle follows another bundle than the one of that version here',
    fix: 'offer the versions together, as they were signed; where two have one version, sign a next one that follows the one that is meant',
  },
  ERR_TRUST_MESH: {
    kind: 'remote',
    text: 'a trust bundle belongs to another mesh',
    fix: 'check which mesh this node was meant to join',
  },
  ERR_TRUST_GAP: {
    kind: 'remote',
    text: 'a trust bundle is newer than the next version, so nothing vouches for it yet',
    fix: 'offer the versions in between first',
  },
  ERR_TRUST_MISSING: {
    kind: 'system',
    text: 'this node does not know yet whom its mesh trusts',
    fix: 'let it reach a member of its mesh, which hands over the trust bundle',
  },
  ERR_TRUST_DAMAGED: {
    kind: 'system',
    text: 'what this node kept of whom its mesh trusts is damaged or lost, in both copies',
    fix: 'copy trust/trust-chain.cbor from the data folder of another member into that of this node: it is no secret, and is verified against the id of the mesh',
  },
  ERR_TRUST_FORK: {
    kind: 'remote',
    text: 'two trust bundles have the same version',
    fix: 'find out who signed twice; sign a next version that says what is meant, and change a stolen root key',
  },
  ERR_TRUST_CHANGE: {
    kind: 'user',
    text: 'a change of whom the mesh trusts cannot be made',
    fix: 'look at what is there with `selvedge trust show`, then ask for a change of that',
  },
  ERR_TRUST_LOCKOUT: {
    kind: 'user',
    text: 'a change would leave nobody who can change or run the mesh',
    fix: 'add the new key in the same change, or lower the threshold first',
  },
  ERR_TRUST_PROPOSAL: {
    kind: 'user',
    text: 'a proposal to change whom the mesh trusts does not follow its newest version',
    fix: 'make the change again on the newest version, and have it signed again',
  },
  ERR_REVOCATION_SIGNATURE: {
    kind: 'remote',
    text: 'a revocation was altered after it was signed, or is not signed at all',
    fix: 'get it again from where it was signed; nothing was changed here',
  },
  ERR_REVOCATION_INVALID: {
    kind: 'remote',
    text: 'a revocation does not have the form this version reads',
    fix: 'update this node if other nodes read it; otherwise ask the operator to sign it again',
  },
  ERR_REVOCATION_MESH: {
    kind: 'remote',
    text: 'a revocation belongs to another mesh',
    fix: 'sign it for this mesh, or offer it at a node of the mesh it is for',
  },
  ERR_REVOCATION_SIGNER: {
    kind: 'remote',
    text: 'a revocation is not signed by those who may revoke this',
    fix: 'nodes and releases are revoked by an admin, own releases by their publisher, publishers and admins by as many roots as the threshold asks for',
  },
  ERR_REVOCATION_LIMIT: {
    kind: 'system',
    text: 'a key has signed more revocations than a node keeps of one key',
    fix: 'revoke with another admin key, or the publisher itself instead of its releases',
  },
  ERR_HEARTBEAT: {
    kind: 'remote',
    text: 'a heartbeat is malformed, of another mesh, or not signed by a present admin',
    fix: 'sign one with a present admin key of this mesh: `selvedge trust heartbeat`',
  },
  ERR_TOKEN_MALFORMED: {
    kind: 'user',
    text: 'this is not an invite token',
    fix: 'copy the whole line that `selvedge invite` printed; it starts with selvedge-invite-1.',
  },
  ERR_TOKEN_EXPIRED: {
    kind: 'user',
    text: 'the invite token has expired',
    fix: 'make a new one with `selvedge invite`; --expires sets how long it is good for. Each machine judges by its own clock: where one of the two times above is wrong, set that clock first',
  },
  ERR_TOKEN_USED: {
    kind: 'user',
    text: 'the invite token has let in a node already',
    fix: 'make one token per node with `selvedge invite`',
  },
  ERR_TOKEN_MESH: {
    kind: 'user',
    text: 'the invite token is for another mesh',
    fix: 'make a token with the keys of this mesh, or use another --data folder to join the other one',
  },
  ERR_TOKEN_SIGNER: {
    kind: 'user',
    text: 'the invite token was not signed by an admin of this mesh',
    fix: 'make a new token with a present admin key of this mesh',
  },
  ERR_APPLICATION_INVALID: {
    kind: 'remote',
    text: 'an application for admission is malformed or not signed by the key it names',
    fix: 'start the node again with its token; update the older of the two programs if it stays so',
  },
  ERR_APPLICATION_SCOPE: {
    kind: 'user',
    text: 'a node asks for a name, group or role that its invite does not give',
    fix: 'start it with the name and groups of the invite, or make an invite that gives these',
  },
  ERR_CREDENTIAL_INVALID: {
    kind: 'remote',
    text: 'a membership credential is malformed, altered, or its parts do not belong together',
    fix: 'let the node join again with a new invite',
  },
  ERR_CREDENTIAL_STRANGER: {
    kind: 'remote',
    text: 'a membership credential rests on nobody of this mesh',
    fix: 'let the node join with an invite of this mesh',
  },
  ERR_CREDENTIAL_CHAIN: {
    kind: 'remote',
    text: 'the chain of nodes that vouch for a member is too long or leads back to itself',
    fix: 'let the node join again with a new invite at a node that an admin admitted',
  },
  ERR_MEMBERS_LIMIT: {
    kind: 'system',
    text: 'the mesh has more members than a node keeps credentials for',
    fix: 'split the mesh; the limit is maxMembers',
  },
  ERR_INVITE_TWICE: {
    kind: 'remote',
    text: 'one invite let in two nodes, on two sides of a cut',
    fix: 'find out where the token was copied; let the node that was turned out join with an invite of its own',
  },
  ERR_STORED_DAMAGED: {
    kind: 'system',
    text: 'a stored record no longer verifies and was dropped',
    fix: 'check the disk; the node fetches the record again from its peers',
  },
  ERR_IDENTITY_DAMAGED: {
    kind: 'system',
    text: 'the node cannot read its own key',
    fix: 'restore the data folder from a backup, or empty it and let the node join again with a new invite',
  },
  ERR_IDENTITY_MESH: {
    kind: 'user',
    text: 'this data folder belongs to a node of another mesh',
    fix: 'choose another folder with --data DIR; a node is a member of one mesh',
  },
  ERR_NODE_RECORD: {
    kind: 'remote',
    text: 'a node record is malformed, too large, or not signed by the node it speaks of',
    fix: 'look at the node it came from; update it if it is older than its neighbours',
  },
})
