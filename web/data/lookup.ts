/** One listener or artist, as the newest files of the lake know them: looked up again while the page is open. */
import { effect, signal } from '@preact/signals'
import type { Lookup } from '../../src/dashboard/api-lookup.ts'
import { here } from './here.ts'

/** A look reads files, so that it is not done at every change. */
const AGAIN_MS = 10_000
const PATIENCE_MS = 20_000

type Found = { state: 'looking' } | { state: 'found'; lookup: Lookup } | { state: 'failed'; reason: string }

export const found = signal<Found>({ state: 'looking' })

/** Looks up whoever the address names, from now on. @returns what ends it */
export function lookUp(): () => void {
  return effect(() => {
    const { place, paused } = here.value
    if (place.kind === 'home') return
    const { kind, name } = place
    const known = found.peek()
    if (known.state !== 'found' || known.lookup.kind !== kind || known.lookup.name !== name) {
      found.value = { state: 'looking' }
    } else if (paused) return
    const stop = new AbortController()
    const look = async () => {
      try {
        found.value = { state: 'found', lookup: await ask(`/api/${kind}/${encodeURIComponent(name)}`, stop.signal) }
      } catch (error) {
        if (!stop.signal.aborted) found.value = { state: 'failed', reason: (error as Error).message }
      }
    }
    void look()
    const timer = setInterval(() => {
      if (!paused && document.visibilityState === 'visible') void look()
    }, AGAIN_MS)
    return () => {
      stop.abort()
      clearInterval(timer)
    }
  })
}

async function ask(path: string, stop: AbortSignal): Promise<Lookup> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)])
  const response = await fetch(path, { cache: 'no-store', signal })
  if (response.ok) return (await response.json()) as Lookup
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string }
  throw new Error(detail ?? `status ${response.status}`)
}
