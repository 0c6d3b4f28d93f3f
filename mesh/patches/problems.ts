import { defineProblems } from '../../core/index.ts'

export const patchesProblems = defineProblems({
  ERR_PATCH_FORMAT: {
    kind: 'remote',
    text: 'a patch cannot be read',
    fix: 'nothing to do: it was thrown away; the node fetches the component in chunks',
  },
  ERR_PATCH_SIZE: {
    kind: 'remote',
    text: 'a patch would unpack to another size than the release says',
    fix: 'nothing to do: it was thrown away; the node fetches the component in chunks',
  },
  ERR_PATCH_RESULT: {
    kind: 'remote',
    text: 'a patch gives other bytes than the release was signed over',
    fix: 'nothing to do: they were thrown away; the node fetches the component in chunks',
  },
  ERR_PATCH_PROTOCOL: {
    kind: 'remote',
    text: 'a peer sent a message about patches that cannot be read',
    fix: 'check that both nodes run this or the adjacent release',
  },
  ERR_PATCH_TOOLS: {
    kind: 'system',
    text: 'a file that packs and unpacks patches is missing beside the program, or of another build',
    fix: 'copy the whole dist folder, or reinstall; until then components travel in chunks',
  },
  ERR_PATCHES_STOPPED: {
    kind: 'system',
    text: 'the exchange of patches is not running',
    fix: 'nothing to do: patches are asked for again when the node runs again',
  },
  ERR_PATCH_MAKING: {
    kind: 'system',
    text: 'a patch could not be made in the time or memory there is for it',
    fix: 'nothing to do: the release travels in chunks',
  },
})
