import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { percent, share, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Panel } from './Panel.tsx'

/** How often plays are skipped, and after how long, beside what was published. */
export function Skips() {
  const w = words.value
  const skips = shown.skips.value
  const published = shown.published.value?.skips
  const beforeEnd = published?.curve.find(({ within }) => within === null)?.share
  const rows = [
    { key: '', name: w.allDevices, plays: skips?.plays ?? 0, skips: skips?.skips ?? 0, published: beforeEnd },
    ...(skips?.devices ?? []).slice(0, 4).map(({ device, plays, skips }) => ({
      key: device,
      name: device,
      plays,
      skips,
      published: published?.devices.find((each) => each.device === device)?.share,
    })),
  ]
  const timed = skips?.curve[0]?.plays
  const curve = (published?.curve ?? []).map(({ within, share: part }) => ({
    within,
    here: skippedBy(within),
    published: part,
  }))
  return (
    <Panel
      id="skips"
      title={w.skips}
      note={skips?.exact === false ? w.fromSample : w.skipsNote}
      span={5}
      table={() => ({
        heads: [w.fieldOne.device, w.plays, w.skipped, w.here, w.published],
        rows: [
          ...rows.map((row) => [
            row.name,
            row.plays,
            row.skips,
            percent(row.skips, row.plays),
            row.published === undefined ? '' : share(row.published),
          ]),
          ...(skips?.curve ?? []).map(({ within, plays, skips }) => [
            w.skippedWithin(whole(within)),
            plays,
            skips,
            percent(skips, plays),
            share(published?.curve.find((each) => each.within === within)?.share ?? 0),
          ]),
        ],
      })}
      empty={skips ? undefined : nothing.value}
    >
      <ul class="versus">
        {rows.map((row) => (
          <li key={row.key}>
            <span class="name">
              <bdi>{row.name}</bdi>
            </span>
            <span class="number">{row.plays === 0 ? '–' : percent(row.skips, row.plays)}</span>
            <span class="beside">{row.published !== undefined && w.publishedShare(share(row.published))}</span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: widthOf(row) }} />
              {row.published !== undefined && <i style={{ left: `${100 * row.published}%` }} />}
            </span>
          </li>
        ))}
      </ul>
      {published && (
        <>
          <p class="label">{w.skipCurve}</p>
          <ol class="curve">
            {curve.map(({ within, here, published: part }) => (
              <li key={within}>
                <span class="column" aria-hidden="true">
                  {here !== undefined && <span style={{ height: heightOf(here) }} />}
                  <span class="published" style={{ height: heightOf(part) }} />
                </span>
                <strong>{here === undefined ? '–' : share(here)}</strong>
                <span class="beside">{w.publishedShare(share(part))}</span>
                <span class="muted tiny">{within === null ? w.beforeEnd : w.withinSeconds(whole(within))}</span>
              </li>
            ))}
          </ol>
          <p class="muted tiny">
            {skips && skips.plays > 0 && (timed ? w.skipTimed(whole(timed)) : w.skipUntimed)}{' '}
            <cite>{published.source}</cite>
          </p>
        </>
      )}
    </Panel>
  )
}

/** Of a few events more may be skips than plays: the plays came before. */
const widthOf = ({ skips, plays }: { skips: number; plays: number }): string =>
  `${plays === 0 ? 0 : Math.min(100, (100 * skips) / plays)}%`

/** Of a column whose whole height is 60 %. */
const heightOf = (part: number): string => `${Math.min(100, (100 * part) / 0.6)}%`

/** The share of plays that were skipped so many seconds after their beginning, or at all; undefined where it is not known. */
function skippedBy(within: number | null): number | undefined {
  const skips = shown.skips.value
  const counts = within === null ? skips : skips?.curve.find((each) => each.within === within)
  return counts && counts.plays > 0 ? counts.skips / counts.plays : undefined
}
