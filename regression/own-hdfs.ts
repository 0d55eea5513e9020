/**
 * A real HDFS of a test's own, to be killed, frozen and refused things: one NameNode or a pair of them with a
 * JournalNode, and one DataNode. The settings are those of `music-faker up`, and what a pair needs besides.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { jarFolder } from '../src/cluster/download.ts'
import { isFree } from '../src/cluster/ports.ts'
import { answers } from '../src/cluster/ready.ts'
import { requireJava } from '../src/cluster/requirements.ts'
import { runToEnd } from '../src/cluster/run.ts'
import { hdfsData, hostVariables, SETTINGS_FOLDER, type Site, siteOf } from '../src/cluster/site.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { freeConfig } from '../test/services.ts'

const CLASSES = {
  journalnode: 'org.apache.hadoop.hdfs.qjournal.server.JournalNode',
  nn1: 'org.apache.hadoop.hdfs.server.namenode.NameNode',
  nn2: 'org.apache.hadoop.hdfs.server.namenode.NameNode',
  datanode: 'org.apache.hadoop.hdfs.server.datanode.DataNode',
}
export type Daemon = keyof typeof CLASSES
export type NameNode = 'nn1' | 'nn2'

const JAVA_FLAGS = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xmx256m']
/** From its start to its first answer, on a machine that has other things to do. */
const START_MS = 240_000
/** The name by which clients of a pair know it. */
const PAIR = 'pair'

export class OwnHdfs {
  readonly #folder: string
  readonly #site: Site
  readonly #offset: number
  readonly #pair: boolean
  readonly #environment: NodeJS.ProcessEnv
  readonly #running = new Map<Daemon, ChildProcess>()
  readonly #killAll = () => {
    for (const child of this.#running.values()) child.kill('SIGKILL')
  }
  #active: NameNode = 'nn1'
  /** One that ended by itself. */
  #ended: Daemon | undefined

  private constructor(folder: string, site: Site, offset: number, pair: boolean) {
    this.#folder = folder
    this.#site = site
    this.#offset = offset
    this.#pair = pair
    this.#environment = { ...process.env, LC_ALL: 'C.UTF-8', ...hostVariables(site) }
    process.once('exit', this.#killAll)
  }

  /** Starts all of it on free ports, and resolves when it takes files; of a pair `nn1` is active. */
  static async start({ pair = false, properties = {} as Record<string, string> } = {}): Promise<OwnHdfs> {
    const folder = mkdtempSync(join(tmpdir(), 'music-faker-hdfs-'))
    const { site, offset } = await freeSite(folder)
    const hdfs = new OwnHdfs(folder, site, offset, pair)
    try {
      hdfs.#writeSettings(pair ? { ...hdfs.#pairProperties(), ...properties } : properties)
      await (pair ? hdfs.#startPair() : hdfs.#startSingle())
      return hdfs
    } catch (error) {
      await hdfs[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#killAll)
    await Promise.all([...this.#running.keys()].map((daemon) => this.kill(daemon)))
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  /** The address of a NameNode's WebHDFS. */
  address(namenode: NameNode): string {
    return `http://127.0.0.1:${namenode === 'nn1' ? this.#site.ports.namenode : 9872 + this.#offset}`
  }

  /** Starts a daemon that does not run. It may take a while to answer: see `untilReady`. */
  begin(daemon: Daemon): void {
    const args = daemon === 'nn1' || daemon === 'nn2' ? this.#identity(daemon) : []
    const output = openSync(join(this.#folder, `${daemon}.log`), 'a')
    const child = spawn(requireJava(process.env), [...this.#javaArgs(), CLASSES[daemon], ...args], {
      cwd: this.#folder,
      env: this.#environment,
      stdio: ['ignore', output, output],
    })
    this.#running.set(daemon, child)
    child.once('exit', () => {
      if (this.#running.get(daemon) === child) this.#ended = daemon
    })
  }

  /** Ends a daemon as a power cut does. */
  async kill(daemon: Daemon): Promise<void> {
    const child = this.#running.get(daemon)
    if (!child) return
    this.#running.delete(daemon)
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** SIGSTOP, after which it neither answers nor refuses, or SIGCONT. */
  signal(daemon: Daemon, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running.get(daemon)?.kill(signal)
  }

  /** Resolves when the active NameNode answers, be it in safe mode. */
  untilNameNode(): Promise<void> {
    return this.#until('namenode')
  }

  /** Resolves when it has left safe mode, and the DataNode serves it. */
  untilReady(): Promise<void> {
    return this.#until('datanode')
  }

  async #until(service: 'namenode' | 'datanode'): Promise<void> {
    const namenode = Number(new URL(this.address(this.#active)).port)
    const site = { ...this.#site, ports: { ...this.#site.ports, namenode } }
    await eventually(async () => {
      if (!(await answers(site, service))) throw this.#failure(this.#active, 'is not ready')
    }, START_MS)
  }

  /** Makes `namenode` the active one of the pair, without asking the other, which may be dead. */
  async activate(namenode: NameNode): Promise<void> {
    await this.#tool('org.apache.hadoop.hdfs.tools.DFSHAAdmin', ['-transitionToActive', '--forceactive', namenode])
    this.#active = namenode
  }

  async standBy(namenode: NameNode): Promise<void> {
    await this.#tool('org.apache.hadoop.hdfs.tools.DFSHAAdmin', ['-transitionToStandby', namenode])
  }

  /** Runs `hdfs dfsadmin`. */
  async admin(...args: string[]): Promise<void> {
    await this.#tool('org.apache.hadoop.hdfs.tools.DFSAdmin', args)
  }

  /** Changes something by WebHDFS, as the user who may do everything. */
  async asSuperuser(op: string, path: string, query: Record<string, string> = {}): Promise<void> {
    const parameters = new URLSearchParams({ op, ...query, 'user.name': userInfo().username })
    const answer = await fetch(`${this.address(this.#active)}/webhdfs/v1${path}?${parameters}`, { method: 'PUT' })
    if (!answer.ok) throw new Error(`${op} ${path}: ${await answer.text()}`)
  }

  async #startSingle(): Promise<void> {
    await this.#format()
    this.begin('nn1')
    this.begin('datanode')
    await this.untilReady()
  }

  /** A NameNode's standby begins with a copy of what the other was formatted with. */
  async #startPair(): Promise<void> {
    this.begin('journalnode')
    await eventually(async () => expect(await isFree(8485 + this.#offset)).toBe(false), START_MS)
    await this.#format()
    cpSync(join(hdfsData(this.#site), 'nn1'), join(hdfsData(this.#site), 'nn2'), { recursive: true })
    for (const daemon of ['nn1', 'nn2', 'datanode'] as const) this.begin(daemon)
    // A NameNode that still starts refuses.
    await eventually(() => this.activate('nn1'), START_MS)
    await this.untilReady()
  }

  async #format(): Promise<void> {
    await this.#tool(CLASSES.nn1, [...this.#identity('nn1'), '-format', '-nonInteractive'])
  }

  #identity(namenode: NameNode): string[] {
    return this.#pair ? ['-D', `dfs.ha.namenode.id=${namenode}`] : []
  }

  async #tool(className: string, args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await runToEnd(
      requireJava(process.env),
      [...this.#javaArgs(), className, ...args],
      {
        environment: this.#environment,
      },
    )
    if (code === 0) return
    const failed = `${className} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`
    throw this.#ended ? this.#failure(this.#ended, failed) : new Error(failed)
  }

  #javaArgs(): string[] {
    const temporary = `-Djava.io.tmpdir=${this.#folder}`
    return [...JAVA_FLAGS, temporary, '-cp', `${join(this.#folder, 'settings')}:${join(jarFolder('hdfs'), '*')}`]
  }

  /** Later properties of a file win over earlier ones. */
  #writeSettings(properties: Record<string, string>): void {
    const settings = join(this.#folder, 'settings')
    cpSync(join(SETTINGS_FOLDER, 'hdfs'), settings, { recursive: true })
    const file = join(settings, 'hdfs-site.xml')
    const more = Object.entries(properties).map(
      ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>\n`,
    )
    writeFileSync(file, readFileSync(file, 'utf8').replace('</configuration>', `${more.join('')}</configuration>`))
  }

  #pairProperties(): Record<string, string> {
    const { namenodeRpc } = this.#site.ports
    const of = (namenode: NameNode, rpc: number) => ({
      [`dfs.namenode.rpc-address.${PAIR}.${namenode}`]: `127.0.0.1:${rpc}`,
      [`dfs.namenode.http-address.${PAIR}.${namenode}`]: this.address(namenode).slice('http://'.length),
      [`dfs.namenode.name.dir.${PAIR}.${namenode}`]: join(hdfsData(this.#site), namenode),
    })
    return {
      'fs.defaultFS': `hdfs://${PAIR}`,
      'dfs.nameservices': PAIR,
      [`dfs.ha.namenodes.${PAIR}`]: 'nn1,nn2',
      ...of('nn1', namenodeRpc),
      ...of('nn2', 9001 + this.#offset),
      // What a DataNode, which is a client for whoever writes by WebHDFS, asks: both at once. By default it asks one after
      // the other, and for each write waits for one that is frozen.
      [`dfs.client.failover.proxy.provider.${PAIR}`]:
        'org.apache.hadoop.hdfs.server.namenode.ha.RequestHedgingProxyProvider',
      'dfs.namenode.shared.edits.dir': `qjournal://127.0.0.1:${8485 + this.#offset}/${PAIR}`,
      'dfs.journalnode.rpc-address': `127.0.0.1:${8485 + this.#offset}`,
      'dfs.journalnode.http-address': `127.0.0.1:${8480 + this.#offset}`,
      'dfs.journalnode.edits.dir': join(hdfsData(this.#site), 'journal'),
      'dfs.ha.fencing.methods': 'shell(/bin/true)',
      // A tool that asks a dead NameNode is not to ask it for 20 s.
      'ipc.client.connect.max.retries': '3',
    }
  }

  #failure(daemon: Daemon, what: string): Error {
    const about = this.#ended ?? daemon
    const log = readFileSync(join(this.#folder, `${about}.log`), 'utf8')
    return new Error(`${about} ${this.#ended ? 'ended' : what}. Its last words:\n${log.slice(-3_000)}`)
  }
}

/** Whether HDFS takes the file for one that is being written: somebody has a lease on it. */
export async function isOpen(namenode: string, path: string): Promise<boolean> {
  const query = 'op=GET_BLOCK_LOCATIONS&user.name=music-faker-test'
  const answer = await fetch(`${namenode}/webhdfs/v1${path}?${query}`)
  const { LocatedBlocks: blocks } = (await answer.json()) as { LocatedBlocks?: { isUnderConstruction: boolean } }
  return blocks?.isUnderConstruction === true
}

/** Folders, and ports that are free now: besides those of a cluster those of a second NameNode and a JournalNode. */
async function freeSite(dataDir: string): Promise<{ site: Site; offset: number }> {
  for (;;) {
    const config = await freeConfig(dataDir)
    const { portOffset: offset } = config
    const more = await Promise.all([8480, 8485, 9001, 9872].map((port) => isFree(port + offset)))
    if (more.every(Boolean)) return { site: siteOf(config), offset }
  }
}
