/** What a producer has made, made again from its seed. */
import assert from 'node:assert/strict'
import { Generator } from '../src/generate/generator.ts'
import { addFingerprints, EMPTY_FINGERPRINT, fingerprint, readLedger } from '../src/generate/ledger.ts'
import { LARGEST_LOT, produce } from '../src/generate/produce.ts'
import { FakeClock } from '../test/generate/fake-clock.ts'

/** One run of `produce --start TIME --seed N --ledger FILE`, at whatever pace. */
export interface Produced {
  seed: number
  /** Epoch milliseconds. */
  start: number
  /** Events per second and seconds of event time per second, if they were given. */
  perSecond?: number
  speed?: number
  ledger: string
}

/**
 * The events that the log may have though they are not in the ledger, because the producer was killed before it could
 * write them down, or its append failed: the lot that follows those that it has.
 *
 * Fails where the ledger is not what the seed gives.
 */
export async function lotOnItsWay({ ledger, seed, ...flow }: Produced): Promise<Uint8Array[]> {
  const told = await readLedger(ledger)
  const lot: Uint8Array[] = []
  let made = EMPTY_FINGERPRINT
  const append = async (messages: readonly { value: Uint8Array }[]) => {
    for (const { value } of messages) {
      if (made.count < told.count) made = addFingerprints(made, fingerprint([value]))
      else lot.push(value)
    }
  }
  await produce({
    ...flow,
    log: { append },
    generator: new Generator({ seed }),
    count: told.count + LARGEST_LOT,
    clock: new FakeClock(Date.now()),
  })
  assert.deepEqual(made, told, `${ledger} is not what a producer of seed ${seed} makes`)
  return lot
}
