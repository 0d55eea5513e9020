/** What the measured costs say about a cluster larger than the machine they were measured on. A model, not a measurement. */
import type { StoredResult } from './document.ts'
import { number } from './print.ts'

const NODES = 100
const CORES_PER_NODE = 16
const PARTITIONS = 1_000
/** Changes that one NameNode makes in a second: assumed, not measured. */
const NAMENODE_WRITES = 2_000
/** Calls of one batch that change the NameNode: two creates with their closes, and two renames. */
const WRITES_PER_BATCH = 6
const BATCH_EVENTS = 500_000

/** @returns the lines of the section */
export function clusterModel(results: ReadonlyMap<string, StoredResult>): string[] {
  const { smallCpu, smallEvents, largeCpu, largeEvents, tinyCpu, tinySeconds, tinyBatches } =
    results.get('flat')?.costs ?? {}
  if (!smallCpu || !smallEvents || !largeCpu || !largeEvents || !tinyCpu || !tinySeconds || !tinyBatches) {
    return ['Not measured: run `npm run bench -- flat`.']
  }
  const perMillion = ((largeCpu - smallCpu) / (largeEvents - smallEvents)) * 1e6
  // What is left is small, and may come out below nothing on a busy machine.
  const start = Math.max(0, smallCpu - (perMillion * smallEvents) / 1e6)
  const perBatchMs = Math.max(0, ((tinyCpu - start) / tinyBatches) * 1_000)
  const perCore = 1e6 / (perMillion + (perBatchMs / 1_000) * (1e6 / BATCH_EVENTS))
  const cores = NODES * CORES_PER_NODE
  const batchesPerSecond = NAMENODE_WRITES / WRITES_PER_BATCH
  return [
    'From the table above: what an archiver takes for more events of the same backlog, and for more batches of few events.',
    '',
    '| | |',
    '| --- | --- |',
    `| start of the process | ${number(start)} CPU s |`,
    `| a million events | ${number(perMillion)} CPU s |`,
    `| a batch, with its file and its record | ${number(perBatchMs)} CPU ms; one after the other in a partition, ${number((tinySeconds / tinyBatches) * 3_000)} ms |`,
    `| one core, batches of ${number(BATCH_EVENTS)} | ${number(perCore)} events/s |`,
    '',
    `With ${NODES} nodes of ${CORES_PER_NODE} cores, of which archivers may use one in four, and a topic of ${number(PARTITIONS)} partitions, the`,
    `archivers' CPU would allow ${number((cores / 4) * perCore)} events/s. Archivers share nothing but the NameNode: a batch changes it`,
    `${WRITES_PER_BATCH} times, and at ${number(NAMENODE_WRITES)} changes a second (assumed, not measured) it takes ${number(batchesPerSecond)} batches a second. Batches of`,
    `${number(BATCH_EVENTS)} then allow ${number(batchesPerSecond * BATCH_EVENTS)} events/s, so the CPU is the limit; in realtime, a commit a second in each`,
    `of ${number(PARTITIONS)} partitions would be ${number(PARTITIONS / batchesPerSecond)} times what the NameNode takes: let so many partitions be archived in batch mode.`,
  ]
}
