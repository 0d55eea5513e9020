/**
 * Whether an archiver of this process gets on, from what it reports: a lake that answers those who read may still refuse
 * those who write, as in safe mode, or when its quota is used up.
 */
import type { ArchiveEvent } from '../archive/archiver.ts'
import { hasCode, type MusicFakerError } from '../errors.ts'
import type { Dependencies, DependencyHealth } from './api.ts'
import { OVERDUE_MS } from './loop.ts'

/**
 * After a last failure that nothing has followed. Who has nothing to archive tells of no success; but a partition that the
 * lake failed has something to write, and tells when it is written.
 */
const FORGET_MS = 60_000
/** What fails where it is no partition: contact with the group, or with the lake at the start. */
const ARCHIVER = 'archiver'

/** What shows that a partition gets on, or is another owner's: so is one that is stopped because it was fenced. */
const MOVED: ReadonlySet<ArchiveEvent['kind']> = new Set([
  'claimed',
  'committed',
  'gap',
  'joined',
  'removed',
  'revoked',
  'stopped',
])

type Service = keyof Dependencies
type Who = number | typeof ARCHIVER

interface Trouble {
  who: Who
  service: Service
  error: MusicFakerError
  /** The partition was given up: nothing but a new start mends that. */
  stopped: boolean
  since: number
  last: number
}

export class ArchiverHealth {
  readonly #troubles = new Map<Who, Trouble>()
  /** When each of both was last mended, epoch milliseconds. */
  readonly #well: Record<Service, number>

  /** @param now epoch milliseconds; all is well from here to the first failure */
  constructor(now: number) {
    this.#well = { log: now, lake: now }
  }

  /** To be told all that the archiver reports. */
  archived(event: ArchiveEvent, now = Date.now()): void {
    if (event.kind === 'retrying') this.#fails(event.partition, event.error, false, now)
    else if (event.kind === 'waiting') this.#fails(ARCHIVER, event.error, false, now)
    else if (event.kind === 'stopped' && !hasCode(event.error, 'COMMIT_FENCED')) {
      this.#fails(event.partition, event.error, true, now)
    } else if ('partition' in event && MOVED.has(event.kind)) this.#goesOn(event.partition, now)
    if (event.kind === 'resumed' || event.kind === 'claimed') this.#goesOn(ARCHIVER, now)
  }

  /** A failure shows once it has lasted: most are over with the next try. */
  at(now: number): Dependencies {
    return { log: this.#of('log', now), lake: this.#of('lake', now) }
  }

  #fails(who: Who, error: MusicFakerError, stopped: boolean, now: number): void {
    const service = error.code.startsWith('LOG_') ? 'log' : 'lake'
    const before = this.#troubles.get(who)
    const since = before?.service === service && isOpen(before, now) ? before.since : now
    this.#troubles.set(who, { who, service, error, stopped, since, last: now })
  }

  #goesOn(who: Who, now: number): void {
    const trouble = this.#troubles.get(who)
    if (trouble === undefined) return
    this.#troubles.delete(who)
    this.#well[trouble.service] = now
  }

  #of(service: Service, now: number): DependencyHealth {
    const troubles = [...this.#troubles.values()].filter(
      (trouble) => trouble.service === service && isOpen(trouble, now) && lasts(trouble, now),
    )
    const [first] = troubles
    if (first === undefined) return { state: 'ok', since: new Date(this.#well[service]).toISOString() }
    const { who, stopped, since } = first
    const { message, next } = first.error
    const one = who === ARCHIVER ? 'the archiver waits' : `partition ${who} ${stopped ? 'has STOPPED' : 'waits'}`
    const others = troubles.length > 1 ? ` (and ${troubles.length - 1} more)` : ''
    const reason = `${one}${others}: ${message}`
    return { state: 'failed', since: new Date(since).toISOString(), reason, ...(next !== undefined && { next }) }
  }
}

function isOpen({ who, service, stopped, last }: Trouble, now: number): boolean {
  return stopped || (service === 'lake' && who !== ARCHIVER) || now - last < FORGET_MS
}

function lasts({ stopped, since }: Trouble, now: number): boolean {
  return stopped || now - since >= OVERDUE_MS
}
