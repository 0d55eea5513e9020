import { computed } from '@preact/signals'
import { words } from '../words/language.ts'
import { shown } from './store.ts'

/** What stands where a chart has nothing to show: an empty lake is not the same as a view that leaves nothing of it. */
export const nothing = computed(() => (shown.totals.value?.events ? words.value.emptyView : words.value.empty))
