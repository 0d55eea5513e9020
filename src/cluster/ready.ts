/** Whether a service answers its users, asked over the network as they would. */
import { connect } from 'node:net'
import type { ServiceName } from './services.ts'
import { BIND, type Site } from './site.ts'

const PROBE_TIMEOUT_MS = 2_000

/** True when the service does its work: not merely a port that is open. Never throws. */
export async function answers(site: Site, service: ServiceName): Promise<boolean> {
  const { ports } = site
  switch (service) {
    case 'kafka':
      return answersMetadata(ports.kafka)
    case 'namenode':
      return (await get(`http://${BIND}:${ports.namenode}/webhdfs/v1/?op=LISTSTATUS`)) !== undefined
    case 'datanode':
      return acceptsBlocks(site)
    case 'dashboard':
      return (await get(`http://${inUrl(site.dashboardHost)}:${ports.dashboard}/health/live`)) !== undefined
  }
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/**
 * A DataNode is of use when it serves WebHDFS itself, and the NameNode counts it as live and has left safe mode: before
 * that every write is refused.
 */
async function acceptsBlocks({ ports }: Site): Promise<boolean> {
  const [self, state] = await Promise.all([
    get(`http://${BIND}:${ports.datanodeHttp}/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo`),
    get(`http://${BIND}:${ports.namenode}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState`),
  ])
  const actors = text(bean(self).BPServiceActorInfo)
  const namesystem = bean(state)
  return actors.includes('"RUNNING"') && Number(namesystem.NumLiveDataNodes) > 0 && namesystem.FSState === 'Operational'
}

function bean(answer: unknown): Record<string, unknown> {
  return (answer as { beans?: Record<string, unknown>[] } | undefined)?.beans?.[0] ?? {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The JSON of a 200, or null when its body is something else; undefined for any other answer or none. */
async function get(url: string): Promise<unknown> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    const body = await answer.text()
    if (!answer.ok) return undefined
    return body.startsWith('{') ? JSON.parse(body) : null
  } catch {
    return undefined
  }
}

/**
 * Sends a Metadata request, version 1, for no topic, by hand: four numbers do not need a Kafka client with its
 * reconnects and background work. https://kafka.apache.org/protocol#The_Messages_Metadata
 */
function answersMetadata(port: number): Promise<boolean> {
  const correlation = 7
  const request = Buffer.alloc(18)
  request.writeInt32BE(14, 0)
  request.writeInt16BE(3, 4)
  request.writeInt16BE(1, 6)
  request.writeInt32BE(correlation, 8)
  request.writeInt16BE(-1, 12)
  request.writeInt32BE(0, 14)
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const socket = connect({ port, host: BIND, timeout: PROBE_TIMEOUT_MS }, () => socket.write(request))
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      // Length, correlation, and the number of brokers: a broker that is still fenced is not among them.
      if (received.length >= 12) end(received.readInt32BE(4) === correlation && received.readInt32BE(8) > 0)
    })
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}
