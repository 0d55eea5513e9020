/** Published figures of real listening, which the page lays beside its own. */
import { OVERALL_SKIP_RATE, SKIP_RATE, SKIPPED_WITHIN } from '../generate/world.ts'
import type { Published } from './api-view.ts'

export const PUBLISHED: Published = {
  skips: {
    source: 'P. Lamere, "The Skip", Music Machinery, 2014',
    curve: [...SKIPPED_WITHIN, { within: null, share: OVERALL_SKIP_RATE }],
    devices: [
      { device: 'Mobile', share: SKIP_RATE.Mobile },
      { device: 'Desktop', share: SKIP_RATE.Desktop },
    ],
  },
  hours: {
    source: 'B. Zhang et al., "Understanding user behavior in Spotify", INFOCOM 2013',
    lowest: 2,
    peaks: [9, 18],
    weekendMorningPeak: false,
  },
}
