/** What the torture does to a system: one table. */
import { type Random, WeightedChoice } from '../../src/generate/random.ts'
import type { System } from './system.ts'
import type { Victim } from './victims.ts'

/** What an act may use. Everything random is drawn before an act begins. */
export interface Means {
  system: System
  random: Random
  /** Waits, but not beyond the end of the torture. */
  wait: (seconds: number) => Promise<void>
  /** Appends messages that are no events, as a faulty producer would. */
  appendRubbish: (count: number) => Promise<void>
}

/** An act that has been decided on. */
export interface Act {
  name: string
  /** Nothing else is done to these meanwhile. */
  victims: Victim[]
  /** Seconds that it draws out, for the list. */
  seconds: number
  run: () => Promise<void>
}

interface Kind {
  name: string
  /** How often, relative to the others. */
  weight: number
  decide: (means: Means) => Omit<Act, 'name'>
}

/** Longer than the session of a group member: others take over what it holds. */
const PAST_SESSION_S = 12

export const KINDS: readonly Kind[] = [
  { name: 'kill -9 archiver', weight: 8, decide: (means) => kill(means, [anyArchiver(means)], 3) },
  { name: 'kill -9 both archivers', weight: 3, decide: (means) => kill(means, means.system.archivers, 2) },
  {
    name: 'kill -9 producer',
    weight: 4,
    decide: (means) => kill(means, [means.random.pick(means.system.producers)], 2),
  },
  { name: 'kill -9 dashboard', weight: 2, decide: (means) => kill(means, [means.system.dashboard], 2) },
  { name: 'SIGTERM archiver', weight: 4, decide: (means) => stop(anyArchiver(means), 'SIGTERM') },
  { name: 'SIGINT archiver', weight: 2, decide: (means) => stop(anyArchiver(means), 'SIGINT') },
  {
    name: 'SIGTERM producer',
    weight: 2,
    decide: (means) => stop(means.random.pick(means.system.producers), 'SIGTERM'),
  },
  { name: 'SIGTERM dashboard', weight: 1, decide: (means) => stop(means.system.dashboard, 'SIGTERM') },
  { name: 'freeze archiver', weight: 4, decide: (means) => freeze(means, anyArchiver(means), 0.5, 6) },
  { name: 'freeze archiver past its session', weight: 3, decide: zombie },
  {
    name: 'freeze producer',
    weight: 1,
    decide: (means) => freeze(means, means.random.pick(means.system.producers), 1, 8),
  },
  { name: 'freeze dashboard', weight: 1, decide: (means) => freeze(means, means.system.dashboard, 1, 5) },
  { name: 'archiver joins and leaves', weight: 3, decide: (means) => visit(means, 1) },
  { name: 'archivers join and leave, three in a row', weight: 1, decide: (means) => visit(means, 3) },
  { name: 'archiver of another group', weight: 3, decide: invade },
  { name: 'kill -9 broker', weight: 3, decide: (means) => kill(means, [means.system.kafka], 10) },
  { name: 'restart broker', weight: 1, decide: (means) => restart(means.system.kafka) },
  { name: 'freeze broker', weight: 2, decide: (means) => freeze(means, means.system.kafka, 1, 12) },
  { name: 'kill -9 NameNode', weight: 2, decide: (means) => kill(means, [means.system.namenode], 8) },
  { name: 'restart NameNode', weight: 1, decide: (means) => restart(means.system.namenode) },
  { name: 'freeze NameNode', weight: 2, decide: (means) => freeze(means, means.system.namenode, 1, 12) },
  { name: 'safe mode', weight: 2, decide: safeMode },
  { name: 'kill -9 DataNode', weight: 2, decide: (means) => kill(means, [means.system.datanode], 5) },
  { name: 'restart DataNode', weight: 1, decide: (means) => restart(means.system.datanode) },
  { name: 'freeze DataNode', weight: 2, decide: (means) => freeze(means, means.system.datanode, 1, 12) },
  { name: 'messages that are no events', weight: 4, decide: rubbish },
]

const CHOICE = new WeightedChoice(KINDS.map(({ weight }) => weight))

/** Draws an act. */
export function decide(means: Means): Act {
  const kind = KINDS[CHOICE.pick(means.random)]!
  return { name: kind.name, ...kind.decide(means) }
}

function anyArchiver({ system, random }: Means): Victim {
  return random.pick(system.archivers)
}

/** Between `shortest` and `longest`, in tenths of a second. */
function between(random: Random, shortest: number, longest: number): number {
  return Math.round((shortest + random.float() * (longest - shortest)) * 10) / 10
}

function kill({ random, wait }: Means, victims: Victim[], longestDown: number): Omit<Act, 'name'> {
  const seconds = between(random, 0, longestDown)
  const run = async () => {
    await Promise.all(victims.map((victim) => victim.kill()))
    await wait(seconds)
    await Promise.all(victims.map((victim) => victim.start()))
  }
  return { victims, seconds, run }
}

function stop(victim: Victim, signal: NodeJS.Signals): Omit<Act, 'name'> {
  const run = async () => {
    await victim.stop(signal)
    await victim.start()
  }
  return { victims: [victim], seconds: 0, run }
}

function restart(victim: Victim): Omit<Act, 'name'> {
  return stop(victim, 'SIGTERM')
}

function freeze({ random, wait }: Means, victim: Victim, shortest: number, longest: number): Omit<Act, 'name'> {
  const seconds = between(random, shortest, longest)
  const run = async () => {
    victim.freeze()
    await wait(seconds)
    victim.thaw()
  }
  return { victims: [victim], seconds, run }
}

/** It wakes up as the owner of partitions that others have by then. */
function zombie(means: Means): Omit<Act, 'name'> {
  return freeze(means, anyArchiver(means), PAST_SESSION_S, 2 * PAST_SESSION_S)
}

/** Each time the group shares its partitions out anew, twice. It leaves well, or dies. */
function visit({ system: { guest }, random, wait }: Means, times: number): Omit<Act, 'name'> {
  const seconds = between(random, 2, 10)
  const leaves = Array.from({ length: times }, () => random.float() < 0.7)
  const run = async () => {
    for (const well of leaves) {
      await guest.start()
      await wait(seconds)
      await (well ? guest.stop() : guest.kill())
    }
  }
  return { victims: [guest], seconds: Math.round(seconds * times), run }
}

/** The archivers lose their partitions to it, end with COMMIT_FENCED and take them back when they are started again. */
function invade({ system: { rival }, random, wait }: Means): Omit<Act, 'name'> {
  const seconds = between(random, 3, 12)
  const well = random.float() < 0.5
  const run = async () => {
    await rival.start()
    await wait(seconds)
    await (well ? rival.stop() : rival.kill())
  }
  return { victims: [rival], seconds, run }
}

function safeMode({ system, random, wait }: Means): Omit<Act, 'name'> {
  const seconds = between(random, 2, 12)
  const run = async () => {
    await system.enterSafeMode()
    await wait(seconds)
    await system.leaveSafeMode()
  }
  return { victims: [system.namenode], seconds, run }
}

function rubbish({ random, appendRubbish }: Means): Omit<Act, 'name'> {
  const count = 1 + random.below(20)
  return { victims: [], seconds: 0, run: () => appendRubbish(count) }
}
