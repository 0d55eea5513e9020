/** Checks of this machine: Node, the dashboard's port, disk and clock. */
import { accessSync, constants, existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import { holderOf } from '../../cluster/ports.ts'
import { MusicFakerError } from '../../errors.ts'
import type { Config } from '../../settings.ts'
import { formatBytes } from '../format.ts'
import { isDashboard } from '../running-dashboard.ts'
import type { Finding, Step } from './finding.ts'

/** Below this a cluster's jars and its first data do not fit. */
const DISK_NEEDED = 500_000_000
const DISK_COMFORTABLE = 5_000_000_000
/** A clock before this program was written is wrong. */
const CLOCK_EARLIEST = Date.UTC(2025, 6, 1)
/** Events are dated by it and a batch's age is shown against it. */
const CLOCK_SKEW_MS = 60_000
const PROBE_MS = 3_000

export function nodeStep(): Step {
  return { check: 'node', run: async () => `Node.js ${process.versions.node} on ${process.platform} ${process.arch}` }
}

export function portStep({ host, port }: Config): Step {
  return {
    check: 'dashboard port',
    run: async () => {
      const refusal = await tryListen(host, port)
      if (refusal === undefined) return `${host}:${port} is free`
      if (refusal === 'EADDRINUSE') {
        if (await isDashboard(host, port)) return `${host}:${port} is held by a running dashboard`
        const holder = holderOf(port)
        const by = holder === undefined ? 'another program' : `${holder.command} (pid ${holder.pid})`
        throw new MusicFakerError('PORT_TAKEN', `${host}:${port} is held by ${by}`, {
          next: `Stop it, or choose another port: --port ${port + 1} or MF_PORT=${port + 1}`,
        })
      }
      throw new MusicFakerError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${refusal}`, {
        next: 'Set MF_HOST to an address of this machine, and MF_PORT to 1024 or higher.',
      })
    },
  }
}

export function diskStep({ dataDir }: Config): Step {
  return {
    check: 'disk',
    run: async () => {
      const folder = nearestFolder(dataDir)
      try {
        accessSync(folder, constants.W_OK)
      } catch (cause) {
        throw new MusicFakerError('CONFIG_INVALID', `the data folder ${dataDir} is not writable`, {
          cause,
          next: 'Choose a folder you may write to with --data-dir or MF_DATA_DIR.',
        })
      }
      const { bavail, bsize } = await statfs(folder)
      return diskFinding(bavail * bsize, folder)
    },
  }
}

/** The verdict on `free` bytes. */
export function diskFinding(free: number, folder: string): Omit<Finding, 'check'> {
  const detail = `${formatBytes(free)} free at ${folder}`
  const next = 'Make room there, or choose another disk with --data-dir or MF_DATA_DIR.'
  if (free < DISK_NEEDED) return { verdict: 'failed', detail, next, code: 'LAKE_FULL' }
  if (free < DISK_COMFORTABLE) return { verdict: 'warning', detail, next }
  return { verdict: 'ok', detail }
}

/** Holds the clock against the calendar and, in the cluster profile, against the NameNode's. */
export function clockStep({ profile, hdfsNamenodes }: Config): Step {
  return {
    check: 'clock',
    run: async () => {
      const other = profile === 'cluster' ? await clockOf(hdfsNamenodes) : undefined
      return clockFinding(Date.now(), other)
    },
  }
}

/** @param other the NameNode's clock, where it is known; both in epoch milliseconds */
export function clockFinding(now: number, other: number | undefined): Omit<Finding, 'check'> {
  const shown = `${new Date(now).toISOString().slice(0, 19)} UTC`
  const next = 'Set the clock of this machine, best by NTP: timedatectl set-ntp true'
  if (now < CLOCK_EARLIEST) return { verdict: 'failed', detail: `${shown} cannot be right`, next }
  if (other === undefined) return { verdict: 'ok', detail: shown }
  const skew = Math.abs(now - other)
  const detail = `${shown}, ${(skew / 1000).toFixed(0)} s from the NameNode's clock`
  return skew > CLOCK_SKEW_MS ? { verdict: 'warning', detail, next } : { verdict: 'ok', detail }
}

/** Undefined when none answers: that is for the lake's checks to tell. */
async function clockOf(namenodes: readonly string[]): Promise<number | undefined> {
  for (const namenode of namenodes) {
    try {
      const response = await fetch(namenode, { signal: AbortSignal.timeout(PROBE_MS), redirect: 'manual' })
      await response.body?.cancel()
      const date = Date.parse(response.headers.get('date') ?? '')
      if (!Number.isNaN(date)) return date
    } catch {
      // The next one may answer.
    }
  }
  return undefined
}

/** The system's code for why listening fails, or undefined when it does not. */
function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(undefined)))
  })
}

function nearestFolder(path: string): string {
  let folder = resolve(path)
  while (!existsSync(folder)) folder = dirname(folder)
  return folder
}
