/** Sharing the partitions of a topic among the members of a group: a pure decision, the same for all who look. */

export interface GroupState {
  partitions: number
  /** The members whose lease runs. */
  members: readonly string[]
  /** Who holds a partition; one that is absent, or held by somebody who is no member, is free. */
  owners: ReadonlyMap<number, string>
}

export interface Share {
  release: number[]
  take: number[]
}

/**
 * What member `me` releases and takes in this state. Everybody is due `floor(partitions / members)`, and the remainder
 * goes to those who hold most already, so that no partition moves without need. Once all have acted on it no member
 * holds two more than another, and nothing moves any more.
 */
export function share({ partitions, members, owners }: GroupState, me: string): Share {
  const held = new Map<string, number[]>(members.map((member) => [member, []]))
  const free: number[] = []
  for (let partition = 0; partition < partitions; partition += 1) {
    const list = held.get(owners.get(partition) ?? '')
    if (list) list.push(partition)
    else free.push(partition)
  }
  const mine = held.get(me)
  if (!mine) return { release: [], take: [] }

  const ranked = [...members].sort((a, b) => held.get(b)!.length - held.get(a)!.length || (a < b ? -1 : 1))
  const due = Math.floor(partitions / members.length) + (ranked.indexOf(me) < partitions % members.length ? 1 : 0)
  return { release: mine.slice(due), take: free.slice(0, Math.max(0, due - mine.length)) }
}
