/** Room on the disk of the data folder: releases, what apps store and their logs need it. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Check, Finding } from '../contract.ts'

/** Below either a node is about to refuse releases and writes. */
const leastShare = 0.03
const leastBytes = 100e6
const leastInodeShare = 0.02

export interface DiskRoom {
  readonly freeBytes: number
  readonly totalBytes: number
  readonly freeInodes: number
  /** 0 where the file system does not count them. */
  readonly totalInodes: number
}

export function judgeDisk({ freeBytes, totalBytes, freeInodes, totalInodes }: DiskRoom): Finding {
  const what = `${sizeOf(freeBytes)} of ${sizeOf(totalBytes)} are free`
  const isFull = freeBytes < Math.min(leastBytes, totalBytes / 2) || freeBytes < totalBytes * leastShare
  const hasNoInodes = totalInodes > 0 && freeInodes < totalInodes * leastInodeShare
  if (!isFull && !hasNoInodes) return { level: 'fine', what }
  return {
    level: 'wrong',
    code: 'ERR_DOCTOR_DISK',
    what: isFull ? what : `${freeInodes} of ${totalInodes} inodes are free: no more files can be made soon`,
    fix: 'free space on it: `selvedge status` says what components take; or move the data folder while the node is stopped',
  }
}

function sizeOf(bytes: number): string {
  return bytes < 10e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** Of the folder, or of the nearest above it that is there. */
async function roomOf(folder: string): Promise<DiskRoom> {
  try {
    const { bavail, bsize, blocks, ffree, files } = await statfs(folder)
    return {
      freeBytes: bavail * bsize,
      totalBytes: blocks * bsize,
      freeInodes: ffree,
      totalInodes: files,
    }
  } catch (error) {
    const above = dirname(folder)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder) throw error
    return roomOf(above)
  }
}

export const diskCheck: Check = {
  name: 'disk',
  summary: 'room on the disk of the data folder',
  run: async ({ data }) => [judgeDisk(await roomOf(data))],
}
