import { STEPS } from '../map/shades.ts'
import { whole } from '../words/format.ts'
import { words } from '../words/language.ts'

/** What the steps of colour stand for. @param bounds as `shades.ts` makes them */
export function Legend({ bounds }: { bounds: readonly number[] }) {
  return (
    <div class="legend">
      <span class="tiny muted">{words.value.count}</span>
      <ol>
        <li>
          <span class="swatch step-0" />0
        </li>
        {bounds.map((bound, i) => (
          <li key={bound}>
            <span class={`swatch step-${STEPS - bounds.length + i + 1}`} />
            {words.value.upTo(whole(bound))}
          </li>
        ))}
      </ol>
    </div>
  )
}
