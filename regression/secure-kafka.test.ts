/**
 * Guarantee: all of it holds on a Kafka that asks for a login and speaks TLS only, through the settings that users give;
 * and who gives wrong ones is told which, at once, and without the password.
 */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Listener, PASSWORD, type SecureBroker, startSecureBroker, USER } from '../test/log/secure-broker.ts'
import { LONG } from './form.ts'
import { expectCode, onServices, Scene, sharedServices, skipped } from './scene.ts'

const EVENTS = 3_000

describe.skipIf(!onServices)(`Kafka with a login and TLS${skipped}`, { timeout: 120_000 }, () => {
  let broker: SecureBroker
  let passwordFile: string
  beforeAll(async () => {
    broker = await startSecureBroker()
    passwordFile = join(dirname(broker.caFile), 'password')
    writeFileSync(passwordFile, `${PASSWORD}\n`)
  })
  afterAll(() => broker?.stop())

  const at = (listener: Listener) => ({ MF_KAFKA_BROKERS: `localhost:${broker.ports[listener]}` })
  const tls = () => ({ MF_KAFKA_TLS: 'true', MF_KAFKA_TLS_CA: broker.caFile })
  const login = (mechanism: string) => ({ MF_KAFKA_SASL_MECHANISM: mechanism, MF_KAFKA_USERNAME: USER })

  const both = () => ({ ...at('SASL_SSL'), ...tls(), ...login('SCRAM-SHA-512'), MF_KAFKA_PASSWORD_FILE: passwordFile })
  const others: [string, () => Record<string, string>][] = [
    ['SCRAM-SHA-256', () => ({ ...at('SASL_PLAINTEXT'), ...login('SCRAM-SHA-256'), MF_KAFKA_PASSWORD: PASSWORD })],
    ['TLS', () => ({ ...at('SSL'), ...tls() })],
  ]
  const ways: typeof others = [['SCRAM-SHA-512 over TLS', both], ...(LONG ? others : [])]
  it.each(ways)('produce, consume, verify and doctor with %s', async (_name, settings) => {
    await using scene = await Scene.open({ ...sharedServices(), ...settings() })
    await expectCode(scene.producer(`-n ${EVENTS}`), 0)
    await scene.succeed('consume --once')
    const [verified, examined] = await Promise.all([scene.run('verify --deep'), scene.run('doctor')])
    expect([verified.code, examined.code], verified.stderr + examined.stdout).toEqual([0, 0])
    expect(examined.stdout).toMatch(/ok +log read/)
    expect(await scene.expectExactlyOnce()).toMatchObject({ count: EVENTS })
  })

  it('a wrong password is told, at once, and not shown', async () => {
    await using scene = await Scene.open({ ...sharedServices(), ...both() })
    const wrong = `${passwordFile}.wrong`
    writeFileSync(wrong, 'looking-glass')
    const refused = await expectCode(scene.start('consume --once', { MF_KAFKA_PASSWORD_FILE: wrong }), 78)
    expect(refused.stderr).toMatch(/--kafka-username/)
    expect(refused.stdout + refused.stderr).not.toContain('looking-glass')
  })
})
