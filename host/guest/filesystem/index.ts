/** The public face of the guest's files: the tree itself, and wasi:filesystem 0.2 over it. */
export { DirectoryPages, type DirectoryEntry } from './directory-pages.ts'
export { FileError, fileError, type Errno, type FileErrorCode } from './errno.ts'
export { FileHandle, type FileAccess } from './file-handle.ts'
export { FolderHandle, type Handle, type OpenRequest } from './folder-handle.ts'
export { identityHash, type FileStat, type FileType, type NewTime } from './metadata.ts'
export { createFileTree, type FileTree, type FileTreeOptions, type PreopenedFolder } from './tree.ts'
export { filesystemPart, createFilesystem } from './wasi-filesystem.ts'
export { fileLimits } from './limits.ts'
