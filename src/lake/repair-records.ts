/**
 * What records that are lost have said, as far as those around them and the names of files without a record tell. Decides
 * only, reads nothing.
 */
import type { Joining } from '../archive/commits.ts'
import type { CommitRecord } from '../archive/record.ts'

/** Records of one partition that are missing or cannot be read, and what is beside them. */
export interface Hole {
  /** Numbers, both included. */
  from: number
  to: number
  /** The record before; undefined at the beginning of the log. */
  before: CommitRecord | undefined
  /** The record after; undefined where the hole is the head of the log. */
  after: CommitRecord | undefined
}

/** What a number has to hold. */
export type LostRecord = { seq: number; fence: number; owner: string | undefined; first: number; next: number } & (
  | { kind: 'claim' }
  | { kind: 'batch' }
  | { kind: 'compaction'; joining: Joining }
  /** A head that nothing in the lake belongs to: a claim in its place has its offsets read again. */
  | { kind: 'void' }
)

/**
 * @param nextOf the offset after the file that begins at this one and that no record names; undefined where there is none
 * @returns the records in order, or why they cannot be told
 */
export function fillHole({ from, to, before, after }: Hole, nextOf: (first: number) => number | undefined) {
  const lost: LostRecord[] = []
  let at = before?.next ?? 0
  let [fence, owner] = [before?.fence ?? 0, before?.owner]
  const claimAfter = after && after.kind !== 'claim' ? after.fence : undefined
  for (let seq = from; seq <= to; seq++) {
    const isClaim = seq === 1 || seq === claimAfter || at === after?.first
    if (isClaim) {
      fence = seq
      owner = seq === claimAfter ? after?.owner : undefined
      lost.push({ kind: 'claim', seq, fence, owner, first: at, next: at })
      continue
    }
    const last = seq === to || (claimAfter === to && seq === to - 1)
    const next = nextOf(at) ?? (last ? after?.first : undefined)
    if (next === undefined && after) return 'too many records are lost beside each other to tell them apart'
    if (next === undefined) {
      fence = seq
      lost.push({ kind: 'void', seq, fence, owner: undefined, first: at, next: at })
      continue
    }
    if (next <= at) return `the record after them begins at ${next}, the one before ends at ${at}`
    lost.push({ kind: 'batch', seq, fence, owner, first: at, next })
    at = next
  }
  if (after && at !== after.first) return `they would end at ${at}, but the record after them begins at ${after.first}`
  if (claimAfter !== undefined && claimAfter !== fence)
    return `the record after them was written under claim ${claimAfter}`
  return lost
}

/**
 * A hole of compactions only.
 * @param joins as many as the hole has numbers; which of them was first does not matter, since they touch different files
 * @returns the records in order; undefined where those around them say that there was a claim among them
 */
export function fillWithCompactions(
  { from, before, after }: Hole,
  joins: readonly Joining[],
): LostRecord[] | undefined {
  if (!before || (after && after.kind !== 'claim' && after.fence !== before.fence)) return undefined
  const { fence, owner, next } = before
  return joins.map((joining, i) => ({ kind: 'compaction', seq: from + i, fence, owner, first: next, next, joining }))
}
