/** The page's live stream, as a browser reads it. */

interface StreamMessage {
  /** `delta` for what is new; `snapshot` for what there was when the stream began. */
  kind: string
  /** The page's newest events, as far as the message has some. */
  rows: { timestamp: string }[]
}

/** Yields each message as it comes. Ends when the server ends the stream. @throws when it cannot be had, or `signal` aborts */
export async function* pageStream(port: number, signal: AbortSignal): AsyncGenerator<StreamMessage> {
  const response = await fetch(`http://127.0.0.1:${port}/api/live`, { signal })
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const messages = text.split('\n\n')
    text = messages.pop()!
    for (const message of messages) {
      const lines = message.split('\n')
      const data = lines.find((line) => line.startsWith('data:'))
      const { recent } = data ? JSON.parse(data.slice(5)) : {}
      yield {
        kind:
          lines
            .find((line) => line.startsWith('event:'))
            ?.slice(6)
            .trim() ?? '',
        rows: recent?.rows ?? [],
      }
    }
  }
}
