/** What a guest can make the file tree hold or do, each with its reason. */
export const fileLimits = {
  /** Descriptors and directory streams of one guest: each is a descriptor of the process that others share. */
  descriptors: 1_024,
  /** Bytes of one path, as Linux has it (PATH_MAX, with its NUL). */
  pathBytes: 4_095,
  /** Folders that are open at once while one path is walked. */
  depth: 512,
  /** Symbolic links in one path, as Linux has it. */
  links: 40,
  /** Bytes of one read or write whose buffer is the host's. */
  transferBytes: 1024 * 1024,
  /** Directory entries that are read ahead. */
  pageEntries: 128,
  /** Files whose times are remembered more exactly than the host can set them. */
  exactTimes: 1_024,
} as const
