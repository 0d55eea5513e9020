/** What the services themselves do on this machine, by their own tools or with nothing of ours in between. */
import { runKafkaTool } from '../src/cluster/cluster.ts'
import { Generator } from '../src/generate/generator.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { Config } from '../src/settings.ts'
import { perSecond } from './result.ts'

const CHUNK_EVENTS = 4_000

/** Messages per second that the broker's own consumer reads and forgets, from the start of the tool to its end. */
export async function consumerPerformance(config: Config, count: number): Promise<number> {
  const begin = performance.now()
  const { code, stdout, stderr } = await runKafkaTool(config, 'org.apache.kafka.tools.ConsumerPerformance', [
    ...['--bootstrap-server', config.kafkaBrokers[0]!, '--topic', config.topic, '--num-records', String(count)],
  ])
  if (code !== 0) throw new Error(`ConsumerPerformance failed: ${stdout}${stderr}`)
  return perSecond(count, performance.now() - begin)
}

/** Records per second of the broker's own load generator, with the settings under which music-faker produces. */
export async function producerPerformance(config: Config, count: number, bytes: number): Promise<number> {
  const { stdout, stderr } = await runKafkaTool(config, 'org.apache.kafka.tools.ProducerPerformance', [
    ...['--topic', config.topic, '--num-records', String(count), '--record-size', String(bytes), '--throughput', '-1'],
    ...['--producer-props', `bootstrap.servers=${config.kafkaBrokers[0]}`, 'acks=all', 'enable.idempotence=true'],
  ])
  const rate = /([\d.]+) records\/sec[^\n]*99\.9th/.exec(stdout)?.[1]
  if (rate === undefined) throw new Error(`ProducerPerformance gave no figure: ${stdout}${stderr}`)
  return Number(rate)
}

/** Events per second when as many lines as archiving writes are streamed into one file, over WebHDFS. */
export async function streamToLake(lake: LakeStorage, count: number): Promise<number> {
  const generator = new Generator({ seed: 42 })
  const lines = Array.from({ length: CHUNK_EVENTS }, () => [
    generator.nextMessage(Date.now(), 0).value,
    Buffer.from('\n'),
  ])
  const chunk = Buffer.concat(lines.flat())
  const path = '/bench-stream/lines.jsonl'
  await lake.remove(path)
  const begin = performance.now()
  await lake.write(path, repeat(chunk, Math.ceil(count / CHUNK_EVENTS)))
  const took = performance.now() - begin
  await lake.remove(path)
  return perSecond(count, took)
}

async function* repeat(chunk: Uint8Array, times: number): AsyncGenerator<Uint8Array> {
  const size = 262_144
  for (let i = 0; i < times; i++) for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
}
