import { afterEach, describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode, MusicFakerError } from '../../src/errors.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { openWebHdfsLake } from '../../src/lake/webhdfs.ts'
import { FakeHdfs, FILE_STATUS, type Handler, json, refuse, STANDBY } from './fake-hdfs.ts'

const TOKEN = 'SECRET+token/with=signs'
const opened: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()))
})

async function servers(...handlers: Handler[]): Promise<FakeHdfs[]> {
  const fakes = await Promise.all(handlers.map((handler) => FakeHdfs.start(handler)))
  for (const fake of fakes) opened.push(() => fake.stop())
  return fakes
}

function lakeOn(namenodes: string[], options: { token?: string; requestTimeout?: number } = {}): LakeStorage {
  const lake = openWebHdfsLake({ namenodes, user: 'ann o+', requestTimeout: 5_000, ...options })
  opened.push(() => lake.close())
  return lake
}

async function lakeOf(handler: Handler, options: { token?: string } = {}): Promise<LakeStorage> {
  const [fake] = await servers(handler)
  return lakeOn([fake?.address ?? ''], options)
}

/** An address that nothing listens on. */
async function nobody(): Promise<string> {
  const fake = await FakeHdfs.start(STANDBY)
  await fake.stop()
  return fake.address
}

async function errorOf(call: Promise<unknown>): Promise<MusicFakerError> {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(MusicFakerError)
  return error
}

const hang: Handler = () => undefined
const breakOff: Handler = ({ request }) => request.socket.destroy()

describe('fail-over', () => {
  it('goes on to the next NameNode when one is standby, and stays with the one that answered', async () => {
    const [standby, active] = await servers(STANDBY, FILE_STATUS)
    const lake = lakeOn([standby?.address ?? '', active?.address ?? ''])
    for (let i = 0; i < 3; i++) expect(await lake.stat('/a')).toMatchObject({ bytes: 5 })
    expect(standby?.calls).toEqual(['GET GETFILESTATUS /a'])
    expect(active?.calls).toHaveLength(3)
  })

  it('comes back when the roles change', async () => {
    const [first, second] = await servers(FILE_STATUS, STANDBY)
    const lake = lakeOn([first?.address ?? '', second?.address ?? ''])
    await lake.stat('/a')
    if (!first || !second) throw new Error('two were started')
    first.handler = STANDBY
    second.handler = FILE_STATUS
    expect(await lake.stat('/a')).toMatchObject({ bytes: 5 })
    first.handler = FILE_STATUS
    second.handler = STANDBY
    expect(await lake.stat('/a')).toMatchObject({ bytes: 5 })
  })

  it.each<[string, Handler]>([
    ['in safe mode', refuse('SafeModeException', 'Name node is in safe mode.\nThe reported blocks 0 needs more')],
    ['starting', refuse('RetriableException', 'NameNode still not started')],
    [
      'standby, seen through a delegation token',
      refuse('SecurityException', 'Failed to obtain user group information: org.apache.hadoop.ipc.StandbyException: x'),
    ],
    ['behind a broken proxy', ({ response }) => response.writeHead(502).end('<html>Bad Gateway')],
    ['another service', ({ response }) => response.writeHead(404).end('It looks like you are making an HTTP request')],
    ['a web page', ({ response }) => response.writeHead(200).end('<html>hello')],
    ['breaking connections', breakOff],
  ])('passes over a NameNode that is %s', async (_, handler) => {
    const [bad, good] = await servers(handler, FILE_STATUS)
    const lake = lakeOn([await nobody(), bad?.address ?? '', good?.address ?? ''])
    expect(await lake.stat('/a')).toMatchObject({ bytes: 5 })
    expect(bad?.calls).toHaveLength(1)
  })

  it('names every NameNode, with its reason, when none serves', async () => {
    const [standby, safe, silent] = await servers(
      STANDBY,
      refuse('SafeModeException', 'Name node is in safe mode.'),
      hang,
    )
    const addresses = [await nobody(), ...[standby, safe, silent].map((fake) => fake?.address ?? '')]
    const error = await errorOf(lakeOn(addresses, { requestTimeout: 300 }).read('/a'))
    expect(error.code).toBe('LAKE_UNREACHABLE')
    expect(error.message).toBe(
      `cannot read /a: no answer from HDFS: ${addresses[0]} (connection refused), ${addresses[1]} ` +
        '(Operation category READ is not supported in state standby. Visit https://s.apache.org/sbnn-error), ' +
        `${addresses[2]} (Name node is in safe mode.), ${addresses[3]} (no answer in time)`,
    )
    expect(error.next).toContain('music-faker up')
  })

  it('never sends a rename twice when its outcome is open, and asks the other NameNode next time', async () => {
    const [silent, other] = await servers(hang, ({ response }) => response.writeHead(200).end())
    const lake = lakeOn([silent?.address ?? '', other?.address ?? ''], { requestTimeout: 300 })
    expect((await errorOf(lake.rename('/a', '/b'))).code).toBe('LAKE_UNREACHABLE')
    expect(other?.calls).toEqual([])
    await lake.rename('/a', '/b')
    expect(other?.calls).toEqual(['PUT RENAME /a'])
    expect(silent?.calls).toHaveLength(1)
  })

  it('sends a rename on when it certainly did not happen', async () => {
    const [standby, active] = await servers(STANDBY, ({ response }) => response.writeHead(200).end())
    await lakeOn([await nobody(), standby?.address ?? '', active?.address ?? '']).rename('/a', '/b')
    expect(active?.calls).toEqual(['PUT RENAME /a'])
  })
})

describe('requests', () => {
  it('encode paths and name the user', async () => {
    const [fake] = await servers(({ response }) => response.writeHead(200).end())
    const lake = lakeOn([`${fake?.address}/gateway/`])
    await lake.rename('/year=2025/a b%c+d/\u00e9?#&', '/to/a+b&c')
    expect(fake?.urls).toEqual([
      '/gateway/webhdfs/v1/year%3D2025/a%20b%25c%2Bd/%C3%A9%3F%23%26?op=RENAME' +
        '&destination=%2Fto%2Fa%2Bb%26c&renameoptions=NONE&user.name=ann%20o%2B',
    ])
  })

  it('carry the delegation token instead of the user, and never show it', async () => {
    const echo: Handler = ({ response, query, request }) =>
      refuse(
        'InvalidToken',
        `bad token ${query.get('delegation')} in ${request.url}\n\tat java`,
      )({
        response,
        query,
        request,
        op: '',
      })
    const [fake] = await servers(echo)
    const lake = lakeOn([fake?.address ?? ''], { token: TOKEN })
    const error = await errorOf(lake.stat('/a'))
    expect(fake?.urls[0]).toBe(`/webhdfs/v1/a?op=GETFILESTATUS&delegation=${encodeURIComponent(TOKEN)}`)
    expect(error.code).toBe('LAKE_DENIED')
    expectNoToken(error)
  })

  it.each<[string, Handler]>([
    ['an address that is none', json(200, { Location: `not an address ${TOKEN}` })],
    ['no address', json(200, {})],
    [
      'a DataNode that cannot be reached',
      json(200, { Location: `http://127.0.0.1:1/webhdfs/v1/a?op=OPEN&delegation=${TOKEN}` }),
    ],
    [
      'a host that does not exist',
      json(200, { Location: `http://datanode.invalid:1/webhdfs/v1/a?op=OPEN&delegation=${TOKEN}` }),
    ],
  ])('show no token either after %s', async (_, handler) => {
    const lake = await lakeOf(handler, { token: TOKEN })
    expectNoToken(await errorOf(lake.read('/a')))
    expectNoToken(await errorOf(lake.write('/a', new Uint8Array(1))))
  })

  it('follow a server that answers 307 instead of JSON', async () => {
    const [datanode] = await servers(({ response }) => response.writeHead(200).end('hello'))
    const lake = await lakeOf(({ response }) =>
      response.writeHead(307, { location: `${datanode?.address}/webhdfs/v1/a?op=OPEN` }).end(),
    )
    expect(Buffer.from(await lake.read('/a')).toString()).toBe('hello')
  })
})

function expectNoToken(error: MusicFakerError): void {
  const shown: string[] = []
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    shown.push(at.message, String(at.stack), JSON.stringify(at, Object.getOwnPropertyNames(at)))
  }
  expect(shown.length).toBeGreaterThan(2)
  for (const text of [...shown, error.next ?? '']) {
    expect(text).not.toContain(TOKEN)
    expect(text).not.toContain(encodeURIComponent(TOKEN))
  }
}

describe('refusals', () => {
  it.each<[ErrorCode, string, string]>([
    ['LAKE_EXISTS', 'FileAlreadyExistsException', '/a for client 127.0.0.1 already exists'],
    ['LAKE_EXISTS', 'AlreadyBeingCreatedException', 'Failed to CREATE_FILE /a for DFSClient_1'],
    ['LAKE_EXISTS', 'RecoveryInProgressException', 'Failed to CREATE_FILE /a'],
    ['LAKE_DENIED', 'AccessControlException', 'Permission denied: user=ann, access=WRITE'],
    ['LAKE_DENIED', 'SecurityException', 'Failed to obtain user group information: InvalidToken'],
    ['LAKE_DENIED', 'InvalidPathException', 'Invalid path name /a'],
    ['LAKE_DENIED', 'PathComponentTooLongException', 'The maximum path component name limit'],
    ['LAKE_FULL', 'DSQuotaExceededException', 'The DiskSpace quota of / is exceeded'],
    ['LAKE_FULL', 'NSQuotaExceededException', 'The NameSpace quota of / is exceeded'],
    [
      'LAKE_FULL',
      'IOException',
      'File /a could only be written to 0 of the 1 minReplication nodes. There are 1 datanode(s) running',
    ],
    [
      'LAKE_UNREACHABLE',
      'IOException',
      'File /a could only be written to 0 of the 1 minReplication nodes. There are 0 datanode(s) running',
    ],
    [
      'LAKE_UNREACHABLE',
      'IOException',
      'Failed to find datanode, suggest to check cluster health. excludeDatanodes=null',
    ],
    ['LAKE_UNREACHABLE', 'ConnectException', 'Call From dn/10.0.0.2 to nn:9000 failed on connection exception'],
    ['LAKE_FAILED', 'IOException', 'something new'],
  ])('%s for %s', async (code, exception, message) => {
    const lake = await lakeOf(refuse(exception, `${message}\n\tat org.apache.hadoop.Some.method(Some.java:1)`))
    const error = await errorOf(lake.rename('/a', '/b'))
    expect(error.code).toBe(code)
    expect(error.message).toBe(`cannot rename /a: ${message}`)
    if (code !== 'LAKE_EXISTS' && code !== 'LAKE_FAILED') expect(error.next).toBeTruthy()
  })

  it('are cut to a readable length', async () => {
    const lake = await lakeOf(refuse('IOException', `${'long '.repeat(1_000)}`))
    expect((await errorOf(lake.rename('/a', '/b'))).message.length).toBeLessThan(350)
  })

  it.each([401, 403])('are LAKE_DENIED for a bare HTTP %d', async (status) => {
    const lake = await lakeOf(({ response }) => response.writeHead(status).end('<html>Authentication required'))
    expect((await errorOf(lake.stat('/a'))).code).toBe('LAKE_DENIED')
  })

  it('in the form of a boolean are seen in every call that has one', async () => {
    const lake = await lakeOf((call) => {
      if (call.op === 'GETFILESTATUS') return FILE_STATUS(call)
      if (call.op === 'RENAME' && call.query.get('destination') === '/missing/b') {
        return refuse('FileNotFoundException', 'rename destination parent /missing/b not found.', 404)(call)
      }
      return json(200, { boolean: false })(call)
    })
    expect((await errorOf(lake.rename('/a', '/b'))).code).toBe('LAKE_FAILED')
    expect((await errorOf(lake.rename('/a', '/missing/b'))).message).toContain('cannot make the folder /missing')
    expect((await errorOf(lake.remove('/a'))).code).toBe('LAKE_FAILED')
    for (const code of ['LAKE_FAILED', 'LAKE_UNREACHABLE'] as const) expect(ERRORS[code].retry).toBe(true)
  })

  it('of a listing that does not advance', async () => {
    const page = {
      DirectoryListing: {
        partialListing: {
          FileStatuses: { FileStatus: [{ pathSuffix: 'a', type: 'FILE', length: 1, modificationTime: 1 }] },
        },
        remainingEntries: 5,
      },
    }
    const lake = await lakeOf(json(200, page))
    expect((await errorOf(drain(lake.list('/'))))?.message).toContain('again and again')
  })
})

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}
