/** Hands the reader a file. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // The download has begun by then, and the memory is given back.
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000)
}

export const textFile = (text: string, type: string): Blob => new Blob([text], { type: `${type};charset=utf-8` })
