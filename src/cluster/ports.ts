/** Whether a port is free, and which program has it if not. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { MusicFakerError } from '../errors.ts'
import type { ServiceName } from './services.ts'
import { BIND, portsOf, type Site } from './site.ts'

/** @throws PORT_TAKEN naming the port, the service that needs it, and the program that has it if it can be found */
export async function requireFreePorts(site: Site, services: readonly ServiceName[]): Promise<void> {
  for (const service of services) {
    for (const port of portsOf(site, service)) {
      if (await isFree(port)) continue
      const holder = holderOf(port)
      const by = holder === undefined ? 'another program' : `${holder.command} (pid ${holder.pid})`
      throw new MusicFakerError('PORT_TAKEN', `port ${port}, which ${service} needs, is taken by ${by}`, {
        next: `Stop that program${holder ? ` (kill ${holder.pid})` : ''}, or take other ports for the whole cluster: music-faker up --port-offset 100`,
      })
    }
  }
}

/** True when nothing listens on the port of this machine and we may. */
export async function isFree(port: number): Promise<boolean> {
  // macOS lets a second program listen on 127.0.0.1 beside one on all addresses: so try to connect as well.
  return !(await accepts(port)) && (await canListen(port))
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: BIND, timeout: 1_000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, BIND, () => server.close(() => resolve(true)))
  })
}

/** The program that listens on a port, as far as this user may see. */
export function holderOf(port: number): { pid: number; command: string } | undefined {
  return process.platform === 'linux' ? holderFromProc(port) : holderFromLsof(port)
}

function holderFromProc(port: number): { pid: number; command: string } | undefined {
  const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => listeningSockets(`/proc/net/${table}`, port)))
  for (const pid of sockets.size === 0 ? [] : entries('/proc').filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`
    if (entries(folder).some((fd) => sockets.has(link(`${folder}/${fd}`)))) {
      return { pid: Number(pid), command: shorten(text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')) }
    }
  }
  return undefined
}

/** Rows of /proc/net/tcp: slot, local address:port in hex, remote, state (0A is listening), ..., the inode as the tenth. */
function listeningSockets(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return text(table)
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === '0A')
    .map((fields) => `socket:[${fields[9]}]`)
}

function holderFromLsof(port: number): { pid: number; command: string } | undefined {
  const found = spawnSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], { encoding: 'utf8' }).stdout ?? ''
  const pid = /^p(\d+)$/m.exec(found)?.[1]
  return pid === undefined ? undefined : { pid: Number(pid), command: /^c(.*)$/m.exec(found)?.[1] ?? 'a program' }
}

/** A Java command line fills a screen; its start and its last word, the class, tell enough. */
function shorten(command: string): string {
  const words = command.trim().split(/\s+/)
  return words.length <= 4
    ? words.join(' ')
    : `${words.slice(0, 2).join(' ').slice(0, 60)} ... ${words.at(-1)?.slice(-60)}`
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
