/** The numbers behind the charts that are on the screen: what tables show, and what the exports hold. */
import type { Table } from './csv.ts'

export interface NamedTable {
  id: string
  title: string
  table(): Table
}

/** The tables of the panels on the screen, in their order there. */
const onScreen = new Map<string, NamedTable>()

/** @returns what takes it away again */
export function register(named: NamedTable): () => void {
  onScreen.set(named.id, named)
  return () => {
    if (onScreen.get(named.id) === named) onScreen.delete(named.id)
  }
}

export function tablesOnScreen(): NamedTable[] {
  const place = ({ id }: NamedTable) =>
    [...document.querySelectorAll('main section')].findIndex((each) => each.id === id)
  return [...onScreen.values()].sort((a, b) => place(a) - place(b))
}
