/**
 * The oracle: how every test of the guarantees ends, and the torture too. It needs no test runner.
 *
 * Order does not matter to it, nor how events are grouped into files: it compares fingerprints, so memory is flat
 * whatever the lake holds.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { lakeRoot, quarantineFolder } from '../src/archive/layout.ts'
import { startDashboard } from '../src/dashboard/server.ts'
import { addFingerprints, EMPTY_FINGERPRINT, type Fingerprint, readLedger } from '../src/generate/ledger.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'
import type { Config } from '../src/settings.ts'
import { dataLines, difference, entriesOf, linesBelow } from './contents.ts'

/** How long a dashboard may take to have read what is in the lake. */
const DASHBOARD_MS = 60_000
/** Up to so many lines a failure says which ones differ; beyond, only how many. */
const EXPLAINED = 200_000

export interface OracleOptions {
  /** Events that were appended without a ledger. */
  unledgered?: Fingerprint
  /**
   * Events of which each may be in the log, once, or not: a producer that is killed, or whose append fails, leaves at most
   * one lot that no ledger has, some or all of which the log has taken. `lotOnItsWay` gives it. Those that the log holds
   * the lake must hold as well.
   */
  mayHold?: readonly Uint8Array[]
  /**
   * False where the log no longer holds all that was archived, because its retention has passed or the topic was made
   * again: then ledgers and `unledgered` alone say what the lake has to hold, and `quarantined` must be given.
   */
  logIsWhole?: boolean
  /** How many messages must be in quarantine: as many as the log holds that are no events, by default. */
  quarantined?: number
  /** Address of a dashboard that runs, such as `http://127.0.0.1:5001`, to be asked besides the one started for this. */
  dashboard?: string
}

/** What was found to be right. */
export interface Verdict extends Fingerprint {
  /** Events of `mayHold` that were there. */
  beyondLedgers: number
  quarantined: number
  files: number
  records: number
  bytes: number
}

/**
 * Fails unless all of this holds of the system that `config` names, with all its archivers at their end:
 *
 * - `verify --deep` finds nothing wrong, and no file waits to be published;
 * - the events in the lake are those of the ledgers: by count and by sum of hashes, so none is missing and none is there
 *   twice;
 * - they are those that the log holds, and what is no event there is in quarantine once;
 * - a dashboard tells the same numbers.
 *
 * @param ledgers files that `produce --ledger` has written. A ledger has what was acknowledged and no more: for a producer
 *   that was killed or failed see `mayHold`
 */
export async function expectExactlyOnce(
  config: Config,
  ledgers: readonly string[],
  options: OracleOptions = {},
): Promise<Verdict> {
  const log = await openLog(config)
  try {
    const lake = await openLake(config)
    try {
      return await judge(config, log, lake, ledgers, options)
    } finally {
      await lake.close()
    }
  } finally {
    await log.close()
  }
}

async function judge(
  config: Config,
  log: EventLog,
  lake: LakeStorage,
  ledgers: readonly string[],
  options: OracleOptions,
): Promise<Verdict> {
  const root = lakeRoot(config.topic)
  const report = await verify({ lake, root, deep: true })
  const { problems, pending, events, files, records, bytes } = report
  assert.deepEqual(
    { problems, pending },
    { problems: [], pending: [] },
    `verify --deep: ${show({ problems, pending })}`,
  )

  const held = new Tally(options.mayHold ?? [])
  for await (const line of dataLines(lake, root)) held.add(line)
  assert.equal(events, held.total.count, `records count ${events} events, files hold ${held.total.count}`)
  const quarantined = await countLines(lake, quarantineFolder(root))
  if (options.logIsWhole !== false) await expectLog(log, lake, root, held, quarantined)

  let owed = options.unledgered ?? EMPTY_FINGERPRINT
  for (const ledger of ledgers) owed = addFingerprints(owed, await readLedger(ledger))
  assert.deepEqual(
    show(held.beyond()),
    show(owed),
    `the lake holds ${show(held.beyond())}${held.found > 0 ? ` and ${held.found} that may be there` : ''}; its producers have ${show(owed)}`,
  )
  if (options.quarantined !== undefined) assert.equal(quarantined, options.quarantined, 'messages in quarantine')

  const expected = { total_events: events, quarantined }
  if (options.dashboard !== undefined) await expectStats(options.dashboard, expected)
  await withDashboard(config, log, lake, (url) => expectStats(url, expected))
  return { ...held.total, beyondLedgers: held.found, quarantined, files, records, bytes }
}

/** The lake holds what the log holds. */
async function expectLog(log: EventLog, lake: LakeStorage, root: string, held: Tally, quarantined: number) {
  const archived = new Tally([])
  let invalid = 0
  for await (const entry of entriesOf(log)) {
    if ('line' in entry) archived.add(entry.line)
    else invalid++
  }
  assert.equal(quarantined, invalid, `${quarantined} messages in quarantine, ${invalid} in the log are no events`)
  if (show(held.total) === show(archived.total)) return
  const sizes = `the lake holds ${show(held.total)}, the log ${show(archived.total)}`
  if (archived.total.count > EXPLAINED) assert.fail(sizes)
  const [found, wanted]: [string[], string[]] = [[], []]
  for await (const line of dataLines(lake, root)) found.push(Buffer.from(line).toString())
  for await (const entry of entriesOf(log)) if ('line' in entry) wanted.push(Buffer.from(entry.line).toString())
  assert.fail(`${sizes}: ${show(difference(found, wanted))}`)
}

/** Sums lines up, and knows some of them again. */
class Tally {
  readonly #known: Map<string, Uint8Array>
  readonly #seen = new Set<string>()
  total = EMPTY_FINGERPRINT
  #found = EMPTY_FINGERPRINT

  constructor(known: readonly Uint8Array[]) {
    this.#known = new Map(known.map((line) => [hash('sha256', line), line]))
  }

  get found(): number {
    return this.#found.count
  }

  add(line: Uint8Array): void {
    const digest = hash('sha256', line, 'buffer')
    const one = { count: 1, sum: digest.readBigUInt64BE(0) }
    this.total = addFingerprints(this.total, one)
    if (this.#known.size === 0) return
    const key = digest.toString('hex')
    // A second time is not allowed for: it stays in what is beyond, where no ledger explains it.
    if (!this.#known.has(key) || this.#seen.has(key)) return
    this.#seen.add(key)
    this.#found = addFingerprints(this.#found, one)
  }

  /** What is left when the known lines are taken away, once each. */
  beyond(): Fingerprint {
    return addFingerprints(this.total, { count: -this.#found.count, sum: -this.#found.sum })
  }
}

async function countLines(lake: LakeStorage, folder: string): Promise<number> {
  let count = 0
  for await (const _ of linesBelow(lake, folder)) count++
  return count
}

async function withDashboard(config: Config, log: EventLog, lake: LakeStorage, work: (url: string) => Promise<void>) {
  const dashboard = await startDashboard({
    ...{ log, lake, root: lakeRoot(config.topic), group: config.group, profile: config.profile },
    ...{ host: '127.0.0.1', port: 0, logger: pino({ level: 'silent' }) },
  })
  try {
    await work(`http://127.0.0.1:${dashboard.port}`)
  } finally {
    await dashboard.close()
  }
}

/** A dashboard follows the lake, so it is given time to come to its end. */
async function expectStats(url: string, expected: { total_events: number; quarantined: number }): Promise<void> {
  const deadline = performance.now() + DASHBOARD_MS
  for (;;) {
    const told = await readStats(url)
    if (show(told) === show(expected)) return
    if (performance.now() > deadline)
      assert.deepEqual(told, expected, `the dashboard says ${show(told)}, not ${show(expected)}`)
    await sleep(50)
  }
}

async function readStats(url: string): Promise<unknown> {
  try {
    const response = await fetch(`${url}/api/stats`, { signal: AbortSignal.timeout(DASHBOARD_MS) })
    const { total_events, quarantined } = (await response.json()) as Record<string, unknown>
    return { total_events, quarantined }
  } catch (error) {
    return String(error)
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? each.toString(16) : each))
}
