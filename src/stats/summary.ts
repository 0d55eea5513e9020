import { z } from 'zod'
import type { MusicEvent } from '../event.ts'

export const summarySchema = z.looseObject({ events: z.number() })
export type Summary = z.infer<typeof summarySchema>

export class SummaryBuilder {
  #events = 0
  add(_event: MusicEvent, _minute: number): void {
    this.#events++
  }
  build(): Summary {
    return { events: this.#events }
  }
}
