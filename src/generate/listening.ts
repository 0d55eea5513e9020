/**
 * What listeners do, and when. Someone who plays a track has it planned whether they will react to it, and whether and
 * after how many seconds they will skip it, as published. Plans whose time has come are carried out first; where none
 * has, a listener is drawn, who does at once what they had planned, or else plays the next track.
 *
 * So skips and reactions per play have their shares at any rate. Times are kept as long as listeners are seldom drawn
 * in the middle of a track: up to some 50 events per second among 10,000 listeners. At higher rates, which so few people
 * cannot cause in real time, what they do is brought forward.
 *
 * Who plays next does not depend on the time yet: there are no sessions and no daily curve.
 */
import { ACTIONS } from '../event.ts'
import { Agenda } from './agenda.ts'
import type { Catalogue, Shelf } from './catalogue.ts'
import type { Listeners } from './listeners.ts'
import { type Random, WeightedChoice } from './random.ts'
import { DEVICES, REACTIONS, SKIP_RATE, secondsUntilSkip } from './world.ts'

const PLAY = ACTIONS.indexOf('play')
const SKIP = ACTIONS.indexOf('skip')
const REACTION_NAMES = Object.keys(REACTIONS) as (keyof typeof REACTIONS)[]
const REACTION_ACTIONS = REACTION_NAMES.map((name) => ACTIONS.indexOf(name))
/** How many reactions there are to a play, in the mean. */
export const REACTION_SHARE = Object.values(REACTIONS).reduce((sum, share) => sum + share, 0)
const SKIP_RATES = DEVICES.map((device) => SKIP_RATE[device])

/** What a listener will do next. */
const PLAYS = 0
const SKIPS = 1
const REACTS = 2
const REACTS_THEN_SKIPS = 3
/** Nothing was heard of this listener yet. */
const UNKNOWN = 4

export class Listening {
  /** The event drawn last: the numbers of its listener and track, and its places in `DEVICES` and `ACTIONS`. */
  who = 0
  track = 0
  device = 0
  action = PLAY
  readonly #random: Random
  readonly #catalogue: Catalogue
  readonly #listeners: Listeners
  readonly #reaction = new WeightedChoice(Object.values(REACTIONS))
  readonly #agenda: Agenda
  readonly #next: Uint8Array
  readonly #tracks: Uint32Array
  readonly #devices: Uint8Array
  /** When those who react first will skip. */
  readonly #skipAt: Float64Array
  /** When the first event was drawn. */
  #beginMs = Number.NaN

  constructor(random: Random, catalogue: Catalogue, listeners: Listeners) {
    const count = listeners.users.length
    this.#random = random
    this.#catalogue = catalogue
    this.#listeners = listeners
    this.#agenda = new Agenda(count)
    this.#next = new Uint8Array(count).fill(UNKNOWN)
    this.#tracks = new Uint32Array(count)
    this.#skipAt = new Float64Array(count)
    this.#devices = new Uint8Array(count)
  }

  /** Decides the event that happens at `atMs`; times should not go back. */
  draw(atMs: number): void {
    let who = this.#agenda.take(atMs)
    if (who < 0) {
      who = this.#listeners.pick(this.#random)
      const next = this.#next[who] as number
      if (next === UNKNOWN) this.#meet(who, atMs)
      else if (next !== PLAYS) this.#agenda.drop(who)
    }
    this.who = who
    const next = this.#next[who] as number
    if (next === PLAYS) this.#play(who, atMs)
    else if (next === SKIPS) this.#skip(who)
    else this.#react(who, next === REACTS_THEN_SKIPS)
    this.track = this.#tracks[who] as number
    this.device = this.#devices[who] as number
  }

  #play(who: number, atMs: number): void {
    const random = this.#random
    const device = this.#listeners.pickDevice(random, who, this.#devices[who] as number)
    const track = this.#pickTrack(who)
    const duration = this.#catalogue.durations[track] as number
    this.action = PLAY
    this.#devices[who] = device
    this.#tracks[who] = track

    // Under its limit a draw is uniform again: it tells whether, and then when.
    const rate = SKIP_RATES[device] as number
    const skips = random.float()
    const reacts = random.float()
    const endsAfterS = skips < rate ? secondsUntilSkip(skips / rate, duration) : duration
    const endMs = atMs + endsAfterS * 1000
    if (reacts < REACTION_SHARE) {
      this.#next[who] = skips < rate ? REACTS_THEN_SKIPS : REACTS
      this.#skipAt[who] = endMs
      this.#agenda.plan(who, atMs + (reacts / REACTION_SHARE) * (endMs - atMs))
    } else if (skips < rate) {
      this.#next[who] = SKIPS
      this.#agenda.plan(who, endMs)
    } else this.#next[who] = PLAYS
  }

  #skip(who: number): void {
    this.action = SKIP
    this.#next[who] = PLAYS
  }

  #react(who: number, skipsThen: boolean): void {
    this.action = REACTION_ACTIONS[this.#reaction.pick(this.#random)] as number
    this.#next[who] = skipsThen ? SKIPS : PLAYS
    if (skipsThen) this.#agenda.plan(who, this.#skipAt[who] as number)
  }

  /**
   * Finds a listener of whom nothing was heard yet in the middle of a track that began before the first event, as long
   * as one could still be playing. Else the first events of a run, one per listener, would nearly all be plays.
   */
  #meet(who: number, atMs: number): void {
    if (Number.isNaN(this.#beginMs)) this.#beginMs = atMs
    const random = this.#random
    const device = this.#listeners.firstDevice(random, who)
    this.#devices[who] = device
    this.#tracks[who] = this.#pickTrack(who)
    this.#next[who] = PLAYS

    const rate = SKIP_RATES[device] as number
    const duration = this.#catalogue.durations[this.#tracks[who] as number] as number
    // Drawn until it is a play or belongs to a track that may not be over yet.
    for (;;) {
      const u = random.float() * (1 + REACTION_SHARE + rate)
      if (u >= REACTION_SHARE + rate) return
      const endMs = this.#beginMs + secondsUntilSkip(random.float(), duration) * 1000
      if (endMs < atMs) continue
      this.#skipAt[who] = endMs
      if (u < rate) this.#next[who] = SKIPS
      else this.#next[who] = random.float() < rate ? REACTS_THEN_SKIPS : REACTS
      return
    }
  }

  #pickTrack(who: number): number {
    const genre = this.#listeners.pickGenre(this.#random, who)
    return (this.#catalogue.shelves[genre] as Shelf).pick(this.#random)
  }
}
