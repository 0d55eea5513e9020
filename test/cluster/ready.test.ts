import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { answers } from '../../src/cluster/ready.ts'
import { siteOf } from '../../src/cluster/site.ts'
import { loadConfig } from '../../src/config.ts'

const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address))

test.each(['127.0.0.1', '::1'].filter((host) => addresses.includes(host)))(
  'a dashboard at %s answers',
  async (host) => {
    const server = createServer((_, response) => response.end('{}'))
    await new Promise<void>((resolve) => server.listen(0, host, resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    expect(await answers(siteOf(loadConfig({ host, port }, {}).config), 'dashboard')).toBe(true)
  },
)
