import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadConfig, readSecret } from '../src/config.ts'
import { MusicFakerError } from '../src/errors.ts'
import { environmentName, flagName, SETTING_NAMES } from '../src/settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'music-faker-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileWith(content: string): string {
  const file = join(folder, `${Math.random()}.json`)
  writeFileSync(file, content)
  return file
}

function failure(call: () => unknown): MusicFakerError {
  try {
    call()
  } catch (error) {
    if (error instanceof MusicFakerError) return error
  }
  throw new Error('expected a MusicFakerError')
}

describe('settings', () => {
  it('prefers flag, then environment, then file, then default', () => {
    const file = fileWith('{"topic":"from_file","group":"from_file","port":6001}')
    const { config, origins } = loadConfig({ topic: 'from_flag' }, { MF_TOPIC: 'from_env', MF_GROUP: 'from_env' }, file)
    expect(config).toMatchObject({ topic: 'from_flag', group: 'from_env', port: 6001, profile: 'embedded' })
    expect(origins).toMatchObject({ topic: 'flag', group: 'environment', port: 'file', profile: 'default' })
  })

  it('shifts the default ports together, and only the default ones', () => {
    const { config } = loadConfig({}, { MF_PORT_OFFSET: '100', MF_KAFKA_BROKERS: 'a:1, b:2' })
    expect(config.port).toBe(5101)
    expect(config.hdfsNamenodes).toEqual(['http://127.0.0.1:9971'])
    expect(config.kafkaBrokers).toEqual(['a:1', 'b:2'])
  })

  it('takes an empty variable as unset', () => {
    expect(loadConfig({}, { MF_TOPIC: '' }).config.topic).toBe('music_events')
    expect(loadConfig({}, { MF_CONFIG: '' }).file).toBeUndefined()
  })

  it.each([
    [{ MF_PROFILE: 'clutser' }, /MF_PROFILE.*clutser/],
    [{ MF_PORT: '70000' }, /MF_PORT/],
    [{ MF_KAFKA_BROKERS: 'localhost' }, /MF_KAFKA_BROKERS.*HOST:PORT/],
    [{ MF_HDFS_NAMENODES: 'localhost:9871' }, /MF_HDFS_NAMENODES.*http:\/\/HOST:PORT/],
    [{ MF_KAFKA_TLS: 'maybe' }, /MF_KAFKA_TLS.*true or false/],
    [{ MF_SEED: '-1' }, /MF_SEED.*must be a whole number, 0 to 4294967295/],
    [{ MF_LOG_BYTES: '1GiB' }, /MF_LOG_BYTES.*must be a whole number, 1048576 or more/],
    [{ MF_PORT: '0x10' }, /MF_PORT/],
    [{ MF_TOPIC: '../etc' }, /MF_TOPIC/],
    [{ MF_TOPIK: 'x' }, /unknown setting MF_TOPIK/],
  ])('refuses %j', (environment, message) => {
    const error = failure(() => loadConfig({}, environment))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 78 })
    expect(error.message).toMatch(message)
  })

  it.each([
    ['{"topic":', 'CONFIG_UNREADABLE'],
    ['[]', 'CONFIG_UNREADABLE'],
    ['{"topik":"x"}', 'CONFIG_INVALID'],
    ['{"port":"x"}', 'CONFIG_INVALID'],
    ['{"seed":null}', 'CONFIG_INVALID'],
    ['{"seed":""}', 'CONFIG_INVALID'],
    ['{"partitions":true}', 'CONFIG_INVALID'],
    ['{"partitions":[4]}', 'CONFIG_INVALID'],
    ['{"partitions":1.5}', 'CONFIG_INVALID'],
  ])('refuses a file that holds %s', (content, code) => {
    expect(failure(() => loadConfig({}, {}, fileWith(content))).code).toBe(code)
  })

  it('names a file that is not there', () => {
    const error = failure(() => loadConfig({}, {}, join(folder, 'absent.json')))
    expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE', exitCode: 78 })
    expect(error.message).toContain('absent.json')
  })

  it('never shows a secret in an error', () => {
    const file = fileWith(JSON.stringify({ kafkaPassword: ['hunter2'] }))
    expect(failure(() => loadConfig({}, {}, file)).message).not.toContain('hunter2')
  })

  it('reads a secret from its file, without the line break', () => {
    expect(readSecret(undefined, fileWith('s3cret\n'))).toBe('s3cret')
    expect(readSecret('direct', fileWith('s3cret\n'))).toBe('direct')
  })

  it('derives distinct names for every setting', () => {
    expect(environmentName('kafkaTlsCa')).toBe('MF_KAFKA_TLS_CA')
    expect(flagName('kafkaTlsCa')).toBe('--kafka-tls-ca')
    expect(new Set(SETTING_NAMES.map(environmentName)).size).toBe(SETTING_NAMES.length)
  })
})
