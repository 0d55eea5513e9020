/**
 * How a group shares the partitions: the member that the broker names leader computes it, all others are told. Pure.
 *
 * Partitions stay where they are as far as an even share allows, and move in one rebalance: the member that loses one may
 * still be at work when the next one begins. That is safe here, because the commit log in the lake fences the former.
 */
import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from '@platformatic/kafka'

/** Names the way of sharing; the broker lets no member into the group that cannot follow it. */
export const STRATEGY = 'music-faker-sticky'
/** With what a member holds and since when. */
const SUBSCRIPTION_VERSION = 2
const ASSIGNMENT_VERSION = 0

/** A member as it describes itself on joining. */
export interface GroupMember {
  id: string
  topic: string
  /** How many partitions the topic has, as this member knows. */
  partitions: number
  held: readonly number[]
  /** The rebalance in which it got them; -1 for a newcomer. */
  generation: number
}

/**
 * What each member gets. Members of one group may archive different topics; each topic is shared among its own, by the
 * largest number of partitions that one of them has seen.
 */
export function shareTopics(members: readonly GroupMember[]): Map<string, number[]> {
  const shares = new Map<string, number[]>()
  for (const interested of Map.groupBy(members, ({ topic }) => topic).values()) {
    const partitions = Math.max(...interested.map((member) => member.partitions))
    for (const [id, held] of share(interested, partitions)) shares.set(id, held)
  }
  return shares
}

/** Shares `partitions` (numbered from 0) so that no two members differ by more than one. */
export function share(
  members: readonly Pick<GroupMember, 'id' | 'held' | 'generation'>[],
  partitions: number,
): Map<string, number[]> {
  const shares = new Map<string, number[]>(members.map(({ id }) => [id, []]))
  const taken = new Set<number>()
  // A member that was away may claim what others were given since: the latest rebalance counts.
  const claims = members.toSorted((a, b) => b.generation - a.generation || compare(a.id, b.id))
  const floor = Math.floor(partitions / members.length)
  let larger = partitions % members.length
  for (const { id, held } of claims) {
    const kept = held.filter((partition) => partition < partitions && !taken.has(partition))
    const room = kept.length > floor && larger > 0 ? floor + 1 : floor
    if (room > floor) larger--
    for (const partition of kept.slice(0, room)) {
      taken.add(partition)
      shares.get(id)!.push(partition)
    }
  }
  for (let partition = 0; partition < partitions; partition++) {
    if (!taken.has(partition)) leastLoaded(shares).push(partition)
  }
  return shares
}

function leastLoaded(shares: ReadonlyMap<string, number[]>): number[] {
  return [...shares.values()].reduce((least, held) => (held.length < least.length ? held : least))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A changed description makes the broker rebalance, so a member that sees new partitions needs only to join again. */
export function encodeSubscription({ topic, partitions, held, generation }: Omit<GroupMember, 'id'>): Buffer {
  const userData = Buffer.alloc(4)
  userData.writeInt32BE(partitions)
  return encodeConsumerProtocolSubscription({
    version: SUBSCRIPTION_VERSION,
    topics: [topic],
    userData,
    ownedPartitions: [{ topic, partitions: [...held] }],
    generationId: generation,
  })
}

export function decodeSubscription(id: string, metadata: Buffer): GroupMember {
  const { topics, userData, ownedPartitions, generationId } = decodeConsumerProtocolSubscription(metadata)
  const topic = topics[0] ?? ''
  const held = ownedPartitions.find((owned) => owned.topic === topic)?.partitions ?? []
  return { id, topic, partitions: userData.readInt32BE(0), held, generation: generationId }
}

export function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  const assignedPartitions = [{ topic, partitions: [...partitions] }]
  return encodeConsumerProtocolAssignment({ version: ASSIGNMENT_VERSION, assignedPartitions, userData: null })
}

export function decodeAssignment(topic: string, assignment: Buffer): number[] {
  const { assignedPartitions } = decodeConsumerProtocolAssignment(assignment)
  return assignedPartitions.find((assigned) => assigned.topic === topic)?.partitions ?? []
}
