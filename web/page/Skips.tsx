import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { percent, share, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Panel } from './Panel.tsx'

/** How often plays are skipped, beside what was published: events say that a play was skipped, not after how long. */
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
  return (
    <Panel
      id="skips"
      title={w.skips}
      note={skips?.exact === false ? w.fromSample : w.skipsNote}
      span={5}
      table={() => ({
        heads: [w.fieldOne.device, w.plays, w.skipped, w.here, w.published],
        rows: rows.map((row) => [
          row.name,
          row.plays,
          row.skips,
          percent(row.skips, row.plays),
          row.published === undefined ? '' : share(row.published),
        ]),
      })}
      empty={skips ? undefined : nothing.value}
    >
      <ul class="versus">
        {rows.map((row) => (
          <li key={row.key}>
            <span class="name">
              <bdi>{row.name}</bdi>
            </span>
            <span class="number">{percent(row.skips, row.plays)}</span>
            <span class="beside">{row.published !== undefined && w.publishedShare(share(row.published))}</span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${row.plays === 0 ? 0 : (100 * row.skips) / row.plays}%` }} />
              {row.published !== undefined && <i style={{ left: `${100 * row.published}%` }} />}
            </span>
          </li>
        ))}
      </ul>
      {published && (
        <>
          <p class="label">{w.skipCurve}</p>
          <ol class="curve">
            {published.curve.map(({ within, share: part }) => (
              <li key={within}>
                <span class="column" aria-hidden="true">
                  <span style={{ height: `${(100 * part) / 0.6}%` }} />
                </span>
                <strong>{share(part)}</strong>
                <span class="muted tiny">{within === null ? w.beforeEnd : w.withinSeconds(whole(within))}</span>
              </li>
            ))}
          </ol>
          <p class="muted tiny">
            <cite>{published.source}</cite>
          </p>
        </>
      )}
    </Panel>
  )
}
