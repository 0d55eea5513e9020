/** Three real brokers of a test's own, each also a controller, so that any one of them may die: three copies of all there is. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { expect } from 'vitest'
import { jarFolder } from '../src/cluster/download.ts'
import { requireJava } from '../src/cluster/requirements.ts'
import { runToEnd } from '../src/cluster/run.ts'
import { freePort } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'

const IDS = [1, 2, 3]
const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const JAVA_FLAGS = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']
/** From its start to its first answer, on a machine that has other things to do. */
const START_MS = 180_000

interface Ports {
  broker: number
  controller: number
}

export class OwnKafka {
  readonly #folder = mkdtempSync(join(tmpdir(), 'music-faker-kafka-'))
  readonly #ports: Map<number, Ports>
  readonly #running = new Map<number, ChildProcess>()
  readonly #killAll = () => {
    for (const child of this.#running.values()) child.kill('SIGKILL')
  }

  readonly #defaultReplicas: number

  private constructor(ports: Map<number, Ports>, defaultReplicas: number) {
    this.#ports = ports
    this.#defaultReplicas = defaultReplicas
    process.once('exit', this.#killAll)
  }

  /**
   * Starts some of the three on free ports, and resolves when each knows of the others.
   * @param ids at least two, or they cannot agree on anything
   */
  static async start({ ids = IDS, defaultReplicas = 1 } = {}): Promise<OwnKafka> {
    const ports = new Map<number, Ports>()
    for (const id of IDS) ports.set(id, { broker: await freePort(), controller: await freePort() })
    const kafka = new OwnKafka(ports, defaultReplicas)
    try {
      await Promise.all(IDS.map((id) => kafka.#format(id)))
      for (const id of ids) kafka.begin(id)
      await kafka.untilUp(ids.length)
      return kafka
    } catch (error) {
      const said = IDS.map((id) => readFileSync(kafka.#log(id), { encoding: 'utf8', flag: 'a+' }).slice(-1_000))
      await kafka[Symbol.asyncDispose]()
      throw new Error(`Kafka did not start. The last words of each broker:\n${said.join('\n')}`, { cause: error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#killAll)
    await Promise.all(IDS.map((id) => this.kill(id)))
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  get brokers(): string[] {
    return [...this.#ports.values()].map(({ broker }) => `127.0.0.1:${broker}`)
  }

  /** Starts a broker that does not run. */
  begin(id: number): void {
    const output = openSync(this.#log(id), 'a')
    const child = spawn(requireJava(process.env), [...javaArgs('-Xmx256m'), 'kafka.Kafka', this.#settings(id)], {
      stdio: ['ignore', output, output],
    })
    this.#running.set(id, child)
  }

  /** Resolves when so many know of each other. */
  untilUp(brokers: number): Promise<void> {
    const look = async (admin: Admin) => expect((await admin.metadata({})).brokers.size).toBe(brokers)
    return eventually(() => this.#asked(look), START_MS)
  }

  /** Ends a broker as a power cut does. */
  async kill(id: number): Promise<void> {
    const child = this.#running.get(id)
    if (!child) return
    this.#running.delete(id)
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** Resolves with the broker that leads a partition, once there is one that is not `but`. */
  async leaderOf(topic: string, partition: number, but?: number): Promise<number> {
    let leader = -1
    await eventually(
      () =>
        this.#asked(async (admin) => {
          const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
          leader = topics.get(topic)!.partitions[partition]!.leader
          expect(IDS.filter((id) => id !== but)).toContain(leader)
        }),
      START_MS,
    )
    return leader
  }

  /** Resolves when every partition has all its copies again: only then may another broker die. */
  async untilInSync(topic: string): Promise<void> {
    await eventually(
      () =>
        this.#asked(async (admin) => {
          const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
          for (const { isr } of topics.get(topic)!.partitions) expect(isr).toHaveLength(IDS.length)
        }),
      START_MS,
    )
  }

  /** With an admin of its own: one that has met a broker that died may go on asking it. */
  async #asked(ask: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: this.brokers })
    await ask(admin).finally(() => admin.close())
  }

  async #format(id: number): Promise<void> {
    writeFileSync(this.#settings(id), this.#properties(id))
    const args = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', this.#settings(id)]
    const { code, stdout, stderr } = await runToEnd(requireJava(process.env), [...javaArgs(), ...args], {
      environment: process.env,
    })
    if (code !== 0) throw new Error(`formatting broker ${id} ended with ${code}:\n${stdout}${stderr}`)
  }

  #properties(id: number): string {
    const { broker, controller } = this.#ports.get(id)!
    const voters = [...this.#ports].map(([voter, of]) => `${voter}@127.0.0.1:${of.controller}`)
    return [
      'process.roles=broker,controller',
      `node.id=${id}`,
      `controller.quorum.voters=${voters.join(',')}`,
      'controller.listener.names=CONTROLLER',
      `listeners=PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${broker}`,
      'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      `log.dirs=${join(this.#folder, `data-${id}`)}`,
      'min.insync.replicas=2',
      `default.replication.factor=${this.#defaultReplicas}`,
      'offsets.topic.replication.factor=3',
      'offsets.topic.num.partitions=3',
      'group.initial.rebalance.delay.ms=0',
      'log.cleaner.dedupe.buffer.size=16777216',
      // A broker that died is known to be dead after this long, not after 9 s.
      'broker.session.timeout.ms=5000',
      'broker.heartbeat.interval.ms=500',
    ].join('\n')
  }

  #settings(id: number): string {
    return join(this.#folder, `server-${id}.properties`)
  }

  #log(id: number): string {
    return join(this.#folder, `broker-${id}.log`)
  }
}

function javaArgs(...flags: string[]): string[] {
  return [...flags, ...JAVA_FLAGS, '-cp', `${jarFolder('kafka')}/*`]
}
