/** How figures are written, on the terminal and in the document. */
import { type Figure, isMet, keepsToMemory } from './result.ts'

/** With as many digits as say something: 151,204; 41.3; 4.25. */
export function number(n: number): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: n < 10 ? 2 : n < 100 ? 1 : 0 })
}

export function value({ figure, unit }: Figure): string {
  return `${number(figure)} ${unit}`
}

export function ratio({ figure, ceiling }: Figure): string {
  return ceiling ? `${(figure / ceiling.figure).toFixed(2)} of ${number(ceiling.figure)}` : ''
}

export function target(figure: Figure): string {
  if (!figure.target) return ''
  return `${figure.target.least ? 'at least' : 'at most'} ${number(figure.target.figure)}: ${isMet(figure) ? 'met' : 'missed'}`
}

export function memory(figure: Figure): string {
  if (figure.peakMiB === undefined) return ''
  const met = keepsToMemory(figure)
  const verdict = met === undefined ? '' : `, at most ${number(figure.memoryTarget!)}: ${met ? 'met' : 'missed'}`
  return number(figure.peakMiB) + verdict
}

export function header(): string {
  return `${'benchmark'.padEnd(56)} ${'figure'.padStart(20)} ${'of its ceiling'.padStart(20)} ${'CPU s/M'.padStart(8)} ${'memory'.padStart(9)}  target`
}

export function line(figure: Figure): string {
  return [
    figure.name.padEnd(56),
    value(figure).padStart(20),
    ratio(figure).padStart(20),
    (figure.cpuSeconds === undefined ? '' : figure.cpuSeconds.toFixed(2)).padStart(8),
    (figure.peakMiB === undefined ? '' : `${number(figure.peakMiB)} MiB`).padStart(9),
    ` ${target(figure)}`,
  ]
    .join(' ')
    .trimEnd()
}
