import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { openWebHdfsLake } from '../../src/lake/webhdfs.ts'
import { FakeHdfs, json, refuse } from './fake-hdfs.ts'

const CREATED = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'
const MIB = 1_048_576
const opened: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()))
})

/**
 * A NameNode that sends everyone to `datanode`, and holds a file of `length` bytes from the first CREATE on; no file
 * when `length` is left out.
 */
async function lakeWith(
  datanode: string,
  options: { length?: number; requestTimeout?: number } = {},
): Promise<LakeStorage> {
  let created = false
  const namenode = await FakeHdfs.start((call) => {
    if (call.op === 'CREATE') created = true
    if (call.op !== 'GETFILESTATUS') return json(200, { Location: `${datanode}/webhdfs/v1/a?op=${call.op}` })(call)
    if (!created || options.length === undefined)
      return refuse('FileNotFoundException', 'File does not exist: /a', 404)(call)
    const FileStatus = { pathSuffix: '', type: 'FILE', length: options.length, modificationTime: 1 }
    return json(200, { FileStatus })(call)
  })
  const lake = openWebHdfsLake({
    namenodes: [namenode.address],
    user: 'ann',
    requestTimeout: options.requestTimeout ?? 5_000,
  })
  opened.push(
    () => lake.close(),
    () => namenode.stop(),
  )
  return lake
}

/** A DataNode on a bare socket, for answers that no HTTP server gives. */
async function datanode(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as { port: number }
  return `http://127.0.0.1:${port}`
}

/** Counts the chunks that were asked for, and says when it was let go. */
function countingBody(chunks: number, pauseMs = 0) {
  const state = { asked: 0, released: false }
  async function* body() {
    try {
      for (let i = 0; i < chunks; i++) {
        state.asked++
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
        yield Buffer.alloc(MIB, i)
      }
    } finally {
      state.released = true
    }
  }
  return { state, body: body() }
}

describe('write', () => {
  it('takes "100 Continue" that it did not ask for, as every DataNode sends it', async () => {
    const address = await datanode((socket) => socket.once('data', () => socket.end(CREATED)))
    const lake = await lakeWith(address, { length: 5 })
    expect(await lake.write('/a', Buffer.from('12345'))).toBe(5)
  })

  it('does not trust a file of another length than was sent', async () => {
    const address = await datanode((socket) => socket.once('data', () => socket.end(CREATED)))
    const lake = await lakeWith(address, { length: 4 })
    await expect(lake.write('/a', Buffer.from('12345'))).rejects.toMatchObject({
      code: 'LAKE_FAILED',
      message: 'cannot write /a: 5 bytes were sent, HDFS holds 4',
    })
  })

  it('asks for no more of the body than the DataNode takes, and gives up when it takes nothing', async () => {
    const address = await datanode((socket) => socket.pause())
    const lake = await lakeWith(address, { length: 0, requestTimeout: 400 })
    const { state, body } = countingBody(1_000)
    await expect(lake.write('/a', body)).rejects.toMatchObject({
      code: 'LAKE_UNREACHABLE',
      message: `cannot write /a: DataNode ${new URL(address).host}: no answer in time`,
    })
    // The system's socket buffers hold a few MiB on both sides.
    expect(state.asked).toBeLessThan(50)
    expect(state.released).toBe(true)
  })

  it('does not count the time that the body takes', async () => {
    const address = await datanode((socket) =>
      socket.on('data', (data) => {
        if (data.includes('\r\n0\r\n\r\n')) socket.end(CREATED)
      }),
    )
    const lake = await lakeWith(address, { length: 3 * MIB, requestTimeout: 300 })
    expect(await lake.write('/a', countingBody(3, 450).body)).toBe(3 * MIB)
  })

  it.each<[string, () => AsyncIterable<Uint8Array> | Uint8Array]>([
    ['streamed', () => countingBody(64).body],
    ['large', () => Buffer.alloc(8 * MIB)],
  ])('hears the refusal of a %s body, although the DataNode then closes the connection', async (_, body) => {
    const refusal = JSON.stringify({ RemoteException: { exception: 'AccessControlException', message: 'denied' } })
    const answer = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\ncontent-length: ${refusal.length}\r\n\r\n${refusal}`
    const address = await datanode((socket) =>
      socket.once('data', () => {
        socket.pause()
        socket.end(answer, () => socket.destroy())
      }),
    )
    const lake = await lakeWith(address)
    for (let round = 0; round < 20; round++) {
      await expect(lake.write('/a', body())).rejects.toMatchObject({ code: 'LAKE_DENIED' })
    }
  })

  it('waits for a file to be made no longer than for anything else', async () => {
    const address = await datanode((socket) => socket.resume())
    const lake = await lakeWith(address, { requestTimeout: 300 })
    const { state, body } = countingBody(3)
    await expect(lake.write('/a', body)).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' })
    expect(state.asked).toBeLessThanOrEqual(1)
  })

  it('lets go of the body when the DataNode answers in the middle of it', async () => {
    const refusal = JSON.stringify({ RemoteException: { exception: 'DSQuotaExceededException', message: 'quota' } })
    const address = await datanode((socket) => {
      socket.once('data', () =>
        socket.write(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${refusal.length}\r\n\r\n${refusal}`),
      )
      socket.resume()
    })
    const lake = await lakeWith(address, { length: 0 })
    const { state, body } = countingBody(10_000)
    await expect(lake.write('/a', body)).rejects.toMatchObject({ code: 'LAKE_FULL', message: 'cannot write /a: quota' })
    expect(state.released).toBe(true)
    expect(state.asked).toBeLessThan(10_000)
  })

  it.each<[string, (socket: Socket) => void, string]>([
    ['breaks off', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'the connection broke'],
    ['hangs up', (socket) => socket.once('data', () => socket.end()), 'the connection broke'],
    ['never answers', (socket) => socket.resume(), 'no answer in time'],
    [
      'stops in its answer',
      (socket) => socket.once('data', () => socket.write(CREATED.replace(': 0', ': 9'))),
      'no answer in time',
    ],
  ])('is LAKE_UNREACHABLE when the DataNode %s', async (_, serve, reason) => {
    const address = await datanode(serve)
    const lake = await lakeWith(address, { requestTimeout: 400 })
    await expect(lake.write('/a', Buffer.from('x'))).rejects.toMatchObject({
      code: 'LAKE_UNREACHABLE',
      message: `cannot write /a: DataNode ${new URL(address).host}: ${reason}`,
    })
  })
})

describe('read', () => {
  it.each<[string, string, string]>([
    ['breaks off', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345', 'the connection broke'],
    ['is no HTTP server', 'hello\r\n\r\n', expect.any(String)],
  ])('is LAKE_UNREACHABLE when the DataNode %s', async (_, answer, reason) => {
    const address = await datanode((socket) => socket.once('data', () => socket.end(answer)))
    const lake = await lakeWith(address)
    const error = await lake.read('/a').then(
      () => undefined,
      (thrown) => thrown,
    )
    expect(error).toMatchObject({ code: 'LAKE_UNREACHABLE' })
    expect(error.message.replace(`cannot read /a: DataNode ${new URL(address).host}: `, '')).toEqual(reason)
  })

  it('is LAKE_UNREACHABLE when the DataNode stops in the middle', async () => {
    const address = await datanode((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345')),
    )
    const lake = await lakeWith(address, { requestTimeout: 300 })
    await expect(lake.read('/a')).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' })
  })

  it('waits for a consumer that takes its time', async () => {
    const size = 8 * MIB
    const address = await datanode((socket) =>
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`)
        socket.write(Buffer.alloc(size))
      }),
    )
    const lake = await lakeWith(address, { requestTimeout: 300 })
    let bytes = 0
    for await (const chunk of lake.stream('/a')) {
      if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 1_500))
      bytes += chunk.byteLength
    }
    expect(bytes).toBe(size)
  })

  it('names the DataNode that cannot be reached, and says what this machine must be able to do', async () => {
    const lake = await lakeWith('http://datanode.invalid:9864')
    for (const call of [() => lake.read('/a'), () => lake.write('/a', Buffer.from('x'))]) {
      await expect(call()).rejects.toMatchObject({
        code: 'LAKE_UNREACHABLE',
        message: expect.stringContaining('DataNode datanode.invalid:9864: '),
        next: expect.stringContaining('by the name HDFS gives'),
      })
    }
  })
})

it('rejects what is in flight when the lake is closed', async () => {
  const address = await datanode((socket) => socket.once('data', () => socket.resume()))
  const lake = await lakeWith(address)
  const reading = lake.read('/a')
  reading.catch(() => undefined)
  await lake.close()
  await expect(reading).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' })
})
