import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type ServiceName, up } from '../../src/cluster/cluster.ts'
import { loadConfig } from '../../src/config.ts'
import { freeConfig } from '../services.ts'
import { recorded, temporaryFolder } from './temporary.ts'

const before = { PATH: process.env.PATH, JAVA_HOME: process.env.JAVA_HOME, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }
beforeEach(() => {
  delete process.env.JAVA_HOME
})
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

/** Makes the programs of a folder the only ones that can be found. */
function onlyPrograms(programs: Record<string, string>): void {
  const folder = temporaryFolder()
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  process.env.PATH = folder
}

async function start(dataDir: string, services: ServiceName[] = ['kafka']) {
  return up(await freeConfig(dataDir), { ...recorded(), services, engine: 'jvm' })
}

test('without Java, the error says how to get it', async () => {
  onlyPrograms({})
  await expect(start(temporaryFolder())).rejects.toMatchObject({
    code: 'CLUSTER_MISSING',
    message: expect.stringContaining('no Java was found'),
    next: expect.stringMatching(/apt install openjdk.*brew install openjdk.*Docker/s),
  })
})

test.each([
  ['1.8.0_402', 8],
  ['11.0.22', 11],
])('Java %s is too old', async (version, major) => {
  onlyPrograms({ java: `echo 'openjdk version "${version}" 2024-01-16' >&2` })
  await expect(start(temporaryFolder())).rejects.toMatchObject({
    code: 'CLUSTER_MISSING',
    message: expect.stringContaining(`this is Java ${major}`),
  })
})

test('without Maven and without the jars, the error says how to get it', async () => {
  onlyPrograms({ java: `echo 'openjdk version "17.0.1" 2021-10-19' >&2` })
  process.env.XDG_CACHE_HOME = temporaryFolder()
  await expect(start(temporaryFolder())).rejects.toMatchObject({
    code: 'CLUSTER_MISSING',
    message: expect.stringContaining('Maven'),
    next: expect.stringMatching(/apt install maven.*brew install maven.*Docker/s),
  })
})

test('a download that fails gives the reason of Maven', async () => {
  onlyPrograms({
    java: `echo 'openjdk version "17.0.1" 2021-10-19' >&2`,
    mvn: `[ "$1" = -version ] && exit 0; echo '[ERROR] Could not resolve host'; exit 1`,
  })
  process.env.XDG_CACHE_HOME = temporaryFolder()
  await expect(start(temporaryFolder())).rejects.toMatchObject({
    code: 'CLUSTER_FAILED',
    message: expect.stringContaining('Could not resolve host'),
  })
})

test('a taken port is named with the service that needs it and the program that has it', async () => {
  onlyPrograms({ java: `echo 'openjdk version "17.0.1" 2021-10-19' >&2` })
  const dataDir = temporaryFolder()
  const config = await freeConfig(dataDir)
  const port = 9866 + config.portOffset
  const server = createServer().listen(port, '127.0.0.1')
  onTestFinished(() => void server.close())
  const starting = up(config, { ...recorded(), services: ['kafka', 'datanode'], engine: 'jvm' })
  await expect(starting).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringMatching(
      new RegExp(`port ${port}, which datanode needs, is taken by .*\\(pid ${process.pid}\\)`),
    ),
    next: expect.stringContaining('--port-offset'),
  })
})

test('a data folder that cannot be made is named', async () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  const { config } = loadConfig({ dataDir: file }, {})
  await expect(up(config, { ...recorded(), engine: 'jvm' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(file),
  })
})

test.each([
  { kafkaBrokers: 'kafka.example.com:9092' },
  { hdfsNamenodes: 'http://namenode.example.com:9870' },
  { hdfsNamenodes: 'https://localhost:9871' },
  { kafkaTls: true },
])('services that others run are not started: %o', async (flags) => {
  const { config } = loadConfig({ dataDir: temporaryFolder(), ...flags }, {})
  await expect(up(config, { ...recorded(), engine: 'jvm' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
