/** A thousand real sockets on the dashboard of a process of its own, half of which never read what they are sent. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { spawnSelf } from '../../src/self.ts'
import { freePort } from '../cli/music-faker.ts'
import { until } from './flow.ts'
import { ask } from './http.ts'

const CLIENTS = 1_000
/** Deltas that each reading client gets before the end. */
const DELTAS = 12
/** Ours, Node's and the system's per client: a few buffers of 16 kB. */
const KB_PER_CLIENT = 100

it.runIf(process.platform === 'linux')(
  'a thousand clients cost a bounded memory each, and get what is new',
  async ({ annotate }) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'music-faker-clients-'))
    const port = await freePort()
    const { config } = loadConfig({ dataDir, port, rate: '500/s' }, {})
    const pipeline = spawnSelf(config, ['start'])
    const sockets: Socket[] = []
    try {
      const metric = async (name: string) => {
        const { body } = await ask(port, '/metrics')
        return Number(new RegExp(`^${name} (.+)$`, 'm').exec(body)?.[1])
      }
      await until(
        'events come',
        () =>
          metric('musicfaker_archived_events_total').then(
            (n) => n > 1_000,
            () => false,
          ),
        60_000,
      )
      const before = residentKb(pipeline.pid)
      const seen = new Array<number>(CLIENTS).fill(0)
      for (let i = 0; i < CLIENTS; i++) {
        const socket = connect({ port, host: '127.0.0.1' })
        socket.on('error', () => undefined)
        socket.write('GET /api/live HTTP/1.1\r\nhost: localhost\r\n\r\n')
        if (i % 2 === 0) {
          socket.on('data', (chunk) => {
            seen[i] = (seen[i] ?? 0) + chunk.toString('latin1').split('event: delta').length - 1
          })
        }
        sockets.push(socket)
      }
      await until('all are streamed to', async () => (await metric('musicfaker_stream_clients')) === CLIENTS, 60_000)
      await until('each has had its deltas', () => seen.every((n, i) => i % 2 === 1 || n >= DELTAS), 60_000)
      const perClient = (residentKb(pipeline.pid) - before) / CLIENTS
      await annotate(
        `${perClient.toFixed(0)} kB per client, ${(residentKb(pipeline.pid) / 1_000).toFixed(0)} MB in all`,
      )
      expect(perClient).toBeLessThan(KB_PER_CLIENT)
    } finally {
      for (const socket of sockets) socket.destroy()
      const ended = new Promise((resolve) => pipeline.once('exit', resolve))
      pipeline.kill('SIGTERM')
      await ended
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
  120_000,
)

function residentKb(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
