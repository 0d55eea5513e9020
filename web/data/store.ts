/** What the page shows: one signal per section of the snapshot, so that a delta redraws only what it changes. */
import { batch, type Signal, signal } from '@preact/signals'
import type { Delta, Sections, Snapshot } from '../../src/dashboard/api.ts'

type Shown = { [K in keyof Sections]: Signal<Sections[K] | undefined> }

/** Undefined until the first answer. */
export const shown: Shown = {
  profile: signal(undefined),
  topic: signal(undefined),
  health: signal(undefined),
  clocks: signal(undefined),
  rate: signal(undefined),
  totals: signal(undefined),
  distributions: signal(undefined),
  top: signal(undefined),
  durations: signal(undefined),
  series: signal(undefined),
  view: signal(undefined),
  viewTotals: signal(undefined),
  overTime: signal(undefined),
  hours: signal(undefined),
  skips: signal(undefined),
  published: signal(undefined),
  lag: signal(undefined),
  quarantine: signal(undefined),
  recent: signal(undefined),
  problems: signal(undefined),
}

/** The server's time of what is shown, ISO 8601 in UTC. */
export const shownAt = signal<string | undefined>(undefined)

/** While paused the screen keeps still; what arrives is kept and shown on resuming. */
export const paused = signal(false)

/** The server's clock less this browser's, in milliseconds: ages are right even where the browser's clock is wrong. */
export const clockOffset = signal(0)
/** The server's time, ticking. */
export const now = signal(Date.now())

let latest: Partial<Sections> = {}
let latestAt: string | undefined

export function take(data: Snapshot | Delta): void {
  const { at, ...sections } = data
  latest = { ...latest, ...sections }
  latestAt = at
  batch(() => {
    const offset = Date.parse(at) - Date.now()
    // Small differences are the network's, and would make the ages jitter.
    if (Math.abs(offset - clockOffset.value) > 1_500) clockOffset.value = offset
    if (!paused.value) show(sections)
  })
}

export function togglePause(): void {
  batch(() => {
    paused.value = !paused.value
    if (!paused.value) show(latest)
    tick()
  })
}

/** Moves the page's clock, unless paused. */
export function tick(): void {
  if (!paused.value) now.value = Date.now() + clockOffset.value
}

function show(sections: Partial<Sections>): void {
  shownAt.value = latestAt
  for (const key of Object.keys(sections) as (keyof Sections)[]) assign(key, sections)
}

function assign<K extends keyof Sections>(key: K, sections: Partial<Sections>): void {
  // A newer server may send sections that this page does not know.
  if (Object.hasOwn(shown, key)) shown[key].value = sections[key]
}
