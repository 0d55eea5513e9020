/**
 * What comes from elsewhere, on real Kafka and HDFS, by the commands: files of HDFS into the lake, asked by SQL and reported;
 * from there into a topic, archived again, and exported. The same events are found at each station.
 */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, inject, it } from 'vitest'
import { encode, type MusicEvent } from '../../src/event.ts'
import { importFiles } from '../../src/import/import.ts'
import { openWebHdfsLake } from '../../src/lake/webhdfs.ts'
import { Shell } from '../e2e/shell.ts'
import { SUMS, sumsOf } from '../export/filled-lake.ts'
import { killedAt } from '../export/killed.ts'

const EVENTS = 40
const LINES = Array.from({ length: EVENTS }, (_, n) => encode(eventOf(n)).toString())

const services = inject('services')

function eventOf(n: number): MusicEvent {
  return {
    ...{
      user: `user${n}`,
      artist: 'Carol Moore',
      track: 'Nights',
      genre: 'Jazz',
      platform: 'Spotify',
      device: 'Desktop',
    },
    ...{ timestamp: `2025-07-0${3 + (n % 2)}T20:07:50.69${1000 + n}`, duration: 100 + n, action: 'like' },
    country: n % 3 === 0 ? 'FR' : 'DE',
  }
}

it.skipIf('skipped' in services)(
  'imports from HDFS, asks, reports, replays into Kafka, archives again and exports',
  async () => {
    if ('skipped' in services) return
    const { namenodes } = services.hdfs
    const lake = openWebHdfsLake({ namenodes, user: 'music-faker-test', requestTimeout: 30_000 })
    const [topic, again] = [`round_${randomUUID()}`, `again_${randomUUID()}`]
    const shell = await Shell.open({
      MF_PROFILE: 'cluster',
      MF_KAFKA_BROKERS: services.kafka.brokers.join(','),
      MF_HDFS_NAMENODES: namenodes.join(','),
      MF_HDFS_USER: 'music-faker-test',
      MF_TOPIC: topic,
    })
    const old = `/${topic}_old`
    const sums = async (of: string) => {
      const [row] = await shell.rows<object>(`sql "select ${SUMS} from events"`, { MF_TOPIC: of })
      return Object.values(row ?? {}).map(String)
    }
    const report = async (folder: string, options = '') => {
      await shell.output(`report ${options} --to ${folder}`)
      return JSON.parse(await readFile(shell.place.path(`${folder}/statistics.json`), 'utf8')) as object
    }
    try {
      await lake.write(
        `${old}/batch_20250703_200803.jsonl`,
        Buffer.from(`${LINES.slice(0, 25).join('\n')}\n{"user":\n`),
      )
      await lake.write(`${old}/day/batch_20250704_200803.jsonl`, Buffer.from(LINES.slice(25).join('\n')))
      const cutOff = importFiles({
        ...{ lake: killedAt(6, true, lake).storage, folders: lake, root: `/${topic}`, acceptGap: false },
        ...{ origin: { from: 'lake', path: old }, signal: new AbortController().signal, onRetry: () => undefined },
      })
      await expect(cutOff).rejects.toThrow('killed')
      const imported = `import hdfs:${old}`
      expect(await shell.document(imported)).toMatchObject({ files: 2, events: EVENTS, quarantined: 1, lost: 0 })
      expect(await shell.document(imported)).toMatchObject({ files: 2, known: 2, events: 0 })
      const [asked, all, day] = await Promise.all([sums(topic), report('all'), report('day', '--day 2025-07-03')])
      expect(asked).toEqual(sumsOf(LINES))
      expect(all).toMatchObject({ events: EVENTS, quarantined: { bad_json: 1 } })
      expect(day).toMatchObject({ events: EVENTS / 2 })

      expect(await shell.document(`replay --into ${again}`)).toMatchObject({ events: EVENTS, stopped: false })
      const settings = { MF_TOPIC: again }
      expect(await shell.document('consume -m batch --once', settings)).toMatchObject({ events: EVENTS })
      // Both days are over, so their seals are there.
      const exporting = shell.document(`export --format csv hdfs:/${topic}_csv`, settings)
      expect(await sums(again)).toEqual(sumsOf(LINES))
      expect(await exporting).toMatchObject({ events: EVENTS, waiting: [] })
    } finally {
      await shell.close()
      await Promise.all([topic, again, `${topic}_old`, `${topic}_csv`].map((name) => lake.remove(`/${name}`)))
      await lake.close()
    }
  },
  120_000,
)
