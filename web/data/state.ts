import { computed } from '@preact/signals'
import { browserNow, connection } from './connection.ts'
import { statusOf } from './status.ts'
import { paused, shown } from './store.ts'

/** The state of the page, as the signals have it now. */
export const status = computed(() =>
  statusOf({
    connection: connection.value,
    paused: paused.value,
    health: shown.health.value,
    clocks: shown.clocks.value,
    browserNow: browserNow.value,
  }),
)
