/**
 * The rate of production: how fast the end offsets of the log advance. It counts what was produced, archived or not, and
 * costs one request a second whatever the rate.
 */
import type { TopicDescription } from '../log/log.ts'
import type { Rate } from './api.ts'

/** Values of the sparkline: one a second. */
const HISTORY = 60
/** The shown figure is the mean of so many values, or a slow flow would flicker between 0 and 1. */
const SMOOTH = 5

export class ProductionRate {
  #previous: { at: number; topic: TopicDescription } | undefined
  #history: number[] = []
  #known = 0

  /** Takes the watermarks read at `at` (epoch milliseconds). */
  add(at: number, topic: TopicDescription): void {
    const previous = this.#previous
    this.#previous = { at, topic }
    if (previous === undefined || at <= previous.at) return
    if (previous.topic.topicId !== topic.topicId) {
      this.#known = 0
      return
    }
    const perSecond = (advance(previous.topic, topic) * 1_000) / (at - previous.at)
    this.#history = [...this.#history, Math.round(perSecond * 10) / 10].slice(-HISTORY)
    this.#known++
  }

  /** The log failed: the rate is unknown, and the next difference would spread an outage's events over one second. */
  interrupted(): void {
    this.#previous = undefined
    this.#known = 0
  }

  current(): Rate {
    const last = this.#history.slice(-Math.min(SMOOTH, this.#known))
    const mean = last.reduce((sum, value) => sum + value, 0) / last.length
    return { perSecond: this.#known === 0 ? null : Math.round(mean * 10) / 10, history: this.#history }
  }
}

/** Messages appended to a topic between two readings of its watermarks. A partition that is new counts from 0. */
export function advance(before: TopicDescription, after: TopicDescription): number {
  let messages = 0
  for (const [partition, { end }] of after.partitions) {
    messages += Math.max(0, end - (before.partitions.get(partition)?.end ?? 0))
  }
  return messages
}
