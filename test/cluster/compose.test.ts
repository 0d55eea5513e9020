import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseContainers } from '../../src/cluster/docker.ts'
import { hostVariables, PROGRAM_FOLDER, portVariables, SETTINGS_FOLDER, siteOf } from '../../src/cluster/site.ts'
import { loadConfig } from '../../src/config.ts'
import { temporaryFolder } from './temporary.ts'

const compose = readFileSync(join(PROGRAM_FOLDER, 'docker-compose.yml'), 'utf8')
const site = siteOf(loadConfig({}, {}).config)
const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0

test.skipIf(!hasCompose)('docker compose accepts the file (skipped where there is no docker compose)', () => {
  const result = spawnSync('docker', ['compose', 'config', '--quiet'], { cwd: PROGRAM_FOLDER, encoding: 'utf8' })
  expect(result.stderr).toBe('')
  expect(result.status).toBe(0)
})

test('the settings files ask for no variable that a process or a container would not have', () => {
  const asked = ['kafka/server.properties', 'hdfs/core-site.xml', 'hdfs/hdfs-site.xml']
    .map((file) => readFileSync(join(SETTINGS_FOLDER, file), 'utf8'))
    .flatMap((text) => [...text.matchAll(/\$\{env[:.](\w+)\}/g)].map((match) => match[1]))
  expect(asked).not.toEqual([])
  for (const name of asked) {
    expect(Object.keys(hostVariables(site))).toContain(name)
    expect(compose).toMatch(new RegExp(`^ +${name}: `, 'm'))
  }
})

test('by hand, docker compose takes the ports that "up" gives', () => {
  const defaults = [...compose.matchAll(/\$\{(\w+_PORT):-(\d+)\}/g)].map((match) => [match[1], match[2]] as const)
  const ports = portVariables(site)
  expect(new Set(defaults.map(([name]) => name))).toEqual(new Set(Object.keys(ports)))
  for (const [name, port] of defaults) expect([name, port]).toEqual([name, ports[name ?? '']])
})

test('only this machine reaches the containers', () => {
  const published = [...compose.matchAll(/^ +- (\S+:\$\{\w+_PORT.*)$/gm)].map((match) => match[1])
  expect(published).not.toEqual([])
  for (const mapping of published) expect(mapping).toMatch(/^127\.0\.0\.1:/)
})

/** What the container of the NameNode runs, with its paths below `folder` and an `hdfs` that only notes how it is called. */
function startNamenode(folder: string): string[] {
  const [, block = ''] = /^ {2}namenode:\n[\s\S]*?^ {4}command:\n {6}- \|\n((?: {8}.*\n)+)/m.exec(compose) ?? []
  const hdfs = join(folder, 'hdfs')
  writeFileSync(hdfs, `#!/bin/sh\necho "$*" >> '${folder}/calls'\n`, { mode: 0o755 })
  const script = block.replaceAll('/opt/hadoop/bin/hdfs', hdfs).replaceAll('/data/', `${folder}/data/`)
  execFileSync('bash', ['-c', script], { stdio: ['ignore', 'ignore', 'ignore'] })
  return readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n')
}

test.each([
  ['new', [], true],
  [
    'left by an interrupted format',
    ['VERSION', 'fsimage.ckpt_0000000000000000000', 'fsimage_0000000000000000000.md5'],
    true,
  ],
  ['formatted', ['VERSION', 'fsimage_0000000000000000000'], false],
])('storage of the NameNode that is %s', (_, files, formats) => {
  const folder = temporaryFolder()
  const current = join(folder, 'data/namenode/current')
  mkdirSync(files.length === 0 ? join(folder, 'data') : current, { recursive: true })
  for (const file of files) writeFileSync(join(current, file), '')
  const format = 'namenode -format -nonInteractive'
  expect(startNamenode(folder)).toEqual(formats ? [format, 'namenode'] : ['namenode'])
  // It refuses to format a folder that holds anything.
  expect(readdirSync(join(folder, 'data'))).toEqual(formats ? [] : ['namenode'])
})

test('the list of containers is read in both forms that Compose prints', () => {
  const one = { ID: 'a1', Service: 'kafka', State: 'running', ExitCode: 0 }
  const two = { ID: 'b2', Service: 'namenode', State: 'exited', ExitCode: 1 }
  expect(parseContainers('')).toEqual([])
  expect(parseContainers(`${JSON.stringify([one, two])}\n`)).toEqual([one, two])
  expect(parseContainers(`${JSON.stringify(one)}\n${JSON.stringify(two)}\n`)).toEqual([one, two])
})
