import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseContainers } from '../../src/cluster/docker.ts'
import { hostVariables, PROGRAM_FOLDER, portVariables, SETTINGS_FOLDER, siteOf } from '../../src/cluster/site.ts'
import { loadConfig } from '../../src/config.ts'

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

test('the list of containers is read in both forms that Compose prints', () => {
  const one = { ID: 'a1', Service: 'kafka', State: 'running', ExitCode: 0 }
  const two = { ID: 'b2', Service: 'namenode', State: 'exited', ExitCode: 1 }
  expect(parseContainers('')).toEqual([])
  expect(parseContainers(`${JSON.stringify([one, two])}\n`)).toEqual([one, two])
  expect(parseContainers(`${JSON.stringify(one)}\n${JSON.stringify(two)}\n`)).toEqual([one, two])
})
