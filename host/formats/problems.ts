/** What can be wrong with releases that travel as files, or through a registry. */
import { defineProblems } from '../../core/index.ts'

export const formatsProblems = defineProblems({
  ERR_TAR: {
    kind: 'user',
    text: 'an archive is damaged, or holds what no image layout needs',
    fix: 'copy it again, or write it anew with `selvedge export --oci FILE.tar`, skopeo or oras',
  },
  ERR_OCI_LAYOUT: {
    kind: 'user',
    text: 'a folder, an archive or a registry holds no OCI image as the specification has it',
    fix: 'write it anew with `selvedge export --oci`, skopeo, oras or wkg',
  },
  ERR_OCI_ARTIFACT: {
    kind: 'user',
    text: 'an OCI image holds no single WebAssembly component',
    fix: 'take one with a layer of the type application/wasm, as wkg, oras and selvedge write it',
  },
  ERR_OCI_UNSIGNED: {
    kind: 'user',
    text: 'an OCI artifact has no release record of a mesh with it, so nobody vouches for it',
    fix: 'sign it yourself with `selvedge publish`, which takes the same folder, archive or reference',
  },
  ERR_FORMAT_DIGEST: {
    kind: 'remote',
    text: 'content has another digest or size than it is named by',
    fix: 'copy or pull it again; if it stays so, it was damaged or exchanged where it is kept',
  },
  ERR_BUNDLE_INVALID: {
    kind: 'user',
    text: 'a file is no bundle of releases, or only a part of one; nothing of it was taken',
    fix: 'copy it again, or write it anew with `selvedge export --bundle FILE`',
  },
  ERR_BUNDLE_LIMIT: {
    kind: 'user',
    text: 'there is more than a bundle holds',
    fix: 'export fewer apps to a file, and several files',
  },
  ERR_EXPORT_TARGET: {
    kind: 'user',
    text: 'the place to export to cannot be written',
    fix: 'name a file or an empty folder that this user may write',
  },
  ERR_EXPORT_COMPONENT: {
    kind: 'user',
    text: 'the node does not hold the component of a release',
    fix: 'export from a node that runs it (`selvedge status` shows where), or wait until it has been fetched here',
  },
  ERR_EXPORT_VARIANTS: {
    kind: 'user',
    text: 'an OCI image holds one component, and a release has several',
    fix: 'write a bundle, which carries all variants: `selvedge export APP --bundle FILE`',
  },
  ERR_IMPORT_SOURCE: {
    kind: 'user',
    text: 'what is to be imported cannot be read',
    fix: 'name a .selvedge file, an OCI layout (folder or .tar), or - for standard input',
  },
  ERR_IMPORT_MESH: {
    kind: 'user',
    text: 'what is to be imported belongs to another mesh',
    fix: 'import it on a node of its mesh, or publish its components here with your own key',
  },
  ERR_IMPORT_REFUSED: {
    kind: 'user',
    text: 'some of what was to be imported does not pass the checks that every node makes',
    fix: 'see the reason of each above; what passed was taken unless --dry-run was given, and nothing else was changed',
  },
  ERR_REGISTRY_REFERENCE: {
    kind: 'user',
    text: 'a name is no reference into a registry',
    fix: 'write it as HOST/NAME:TAG or HOST/NAME@sha256:DIGEST, e.g. ghcr.io/org/app:1.2',
  },
  ERR_REGISTRY_UNREACHABLE: {
    kind: 'remote',
    text: 'a registry does not answer',
    fix: 'check its name and the network; proxies are taken from HTTPS_PROXY and NO_PROXY',
  },
  ERR_REGISTRY_AUTH: {
    kind: 'user',
    text: 'a registry wants to know who asks, and does not take what it was told',
    fix: 'log in with `docker login`, `oras login` or `skopeo login`, or set SELVEDGE_REGISTRY_USER and SELVEDGE_REGISTRY_PASSWORD',
  },
  ERR_REGISTRY_MISSING: {
    kind: 'user',
    text: 'a registry has no such image, or does not show it to everybody',
    fix: 'check name and tag; a private image needs a login',
  },
  ERR_REGISTRY_ANSWER: {
    kind: 'remote',
    text: 'a registry answers otherwise than the distribution specification says',
    fix: 'try again; if it stays so, pull with skopeo or oras into a folder and name that',
  },
})
