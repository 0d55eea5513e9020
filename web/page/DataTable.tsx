import type { Table } from '../data/csv.ts'
import { number } from '../words/format.ts'

/** @param caption says what the table is, for a screen reader */
export function DataTable({ caption, table: { heads, rows } }: { caption: string; table: Table }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard
    <section class="behind" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([first = '', ...rest], row) => (
            <tr key={row}>
              <th scope="row">
                <bdi>{inWords(first)}</bdi>
              </th>
              {rest.map((value, i) => (
                <td key={heads[i + 1]} class={typeof value === 'number' ? 'number' : ''}>
                  <bdi>{inWords(value)}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const inWords = (value: string | number): string => (typeof value === 'number' ? number(value) : value)
