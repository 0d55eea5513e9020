import { words } from '../words/language.ts'

interface DataTableProps {
  /** Says what the table is, for a screen reader. */
  caption: string
  heads: readonly string[]
  rows: readonly (readonly string[])[]
}

/** The numbers behind a chart, closed until asked for. */
export function DataTable({ caption, heads, rows }: DataTableProps) {
  return (
    <details class="behind">
      <summary>{words.value.asTable}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label={caption}>
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
            {rows.map(([first, ...rest]) => (
              <tr key={first}>
                <th scope="row">{first}</th>
                {rest.map((cell, i) => (
                  <td key={heads[i + 1]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  )
}
