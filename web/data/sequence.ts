/** Whether the delta `id` comes right after the message `last`. Ids are `<run>-<number>`, counted up by one. */
export function follows(id: string, last: string): boolean {
  const [run, number] = split(id)
  const [lastRun, lastNumber] = split(last)
  return run === lastRun && number === lastNumber + 1
}

function split(id: string): [run: string, number: number] {
  const dash = id.lastIndexOf('-')
  return [id.slice(0, dash), dash < 0 ? Number.NaN : Number(id.slice(dash + 1))]
}
