/** Whether nothing comes. What comes first is enough, and lets go of all that it is read from: `next` alone would keep that open. */
export async function isEmpty(items: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of items) return false
  return true
}
