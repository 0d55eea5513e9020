/** Charts as SVG and lists as HTML, without a script. Every text goes through `escapeHtml`. Pure. */

const WIDTH = 720
const HEIGHT = 200
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const LABEL = 44
const CELL = 28
const SHADES = 6

const grouped = new Intl.NumberFormat('en-US')

export const count = (n: number): string => grouped.format(n)

/** For the content of an element and for an attribute in double quotes. Control characters become visible. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (odd) => `\\u${odd.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** Names with a bar each. */
export function bars(rows: readonly (readonly [name: string, events: number])[], total: number): string {
  const most = Math.max(1, ...rows.map(([, events]) => events))
  const row = ([name, events]: readonly [string, number]) => {
    const share = total === 0 ? 0 : (events / total) * 100
    const width = ((events / most) * 100).toFixed(2)
    return `<li><bdi class="name" title="${escapeHtml(name)}">${escapeHtml(name)}</bdi><span class="number">${count(events)}</span><span class="share">${share.toFixed(1)}&nbsp;%</span><svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="6" /></svg></li>`
  }
  return `<ol class="bars">${rows.map(row).join('')}</ol>`
}

/** Columns from the first moment to the last, one for each step; steps that are absent are empty. */
export function columns(
  points: readonly { label: string; at: number; events: number }[],
  steps: number,
  title: string,
): string {
  const most = Math.max(1, ...points.map(({ events }) => events))
  const width = WIDTH / Math.max(1, steps)
  const rects = points.map(({ label, at, events }) => {
    const height = (events / most) * HEIGHT
    const [x, y] = [at * width, HEIGHT - height].map((n) => n.toFixed(2))
    return `<rect x="${x}" y="${y}" width="${(width * 0.9).toFixed(2)}" height="${height.toFixed(2)}"><title>${escapeHtml(label)}: ${count(events)}</title></rect>`
  })
  const ends = [points[0], points.at(-1)].map((point) => `<span>${escapeHtml(point?.label ?? '')}</span>`).join('')
  return `<svg class="columns" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(title)}, at most ${count(most)}">${rects.join('')}</svg><p class="ends">${ends}</p>`
}

/** Events by weekday, Monday first, and hour, UTC. */
export function heatMap(matrix: readonly (readonly number[])[]): string {
  const most = Math.max(1, ...matrix.flat())
  const cells = matrix.flatMap((hours, day) => [
    `<text x="0" y="${day * CELL + 19}">${DAYS[day]}</text>`,
    ...hours.map((events, hour) => {
      const shade = events === 0 ? 0 : Math.ceil((events / most) * SHADES)
      return `<rect class="s${shade}" x="${LABEL + hour * CELL}" y="${day * CELL}" width="${CELL - 2}" height="${CELL - 2}" rx="5"><title>${DAYS[day]} ${hour}:00: ${count(events)}</title></rect>`
    }),
  ])
  const hours = [0, 6, 12, 18].map((hour) => `<text x="${LABEL + hour * CELL}" y="${7 * CELL + 14}">${hour}:00</text>`)
  return `<svg class="heat" viewBox="0 0 ${LABEL + 24 * CELL} ${7 * CELL + 20}" role="img" aria-label="Events by weekday and hour">${cells.join('')}${hours.join('')}</svg>`
}
