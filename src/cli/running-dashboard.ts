/** How long a dashboard may take to answer. */
const PROBE_MS = 3_000

/** Whether what listens at this address is a dashboard of this program. Never rejects. */
export async function isDashboard(host: string, port: number): Promise<boolean> {
  // An address that stands for all is one to listen on, not to connect to.
  const target = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  try {
    const response = await fetch(`http://${target}:${port}/api/stats`, { signal: AbortSignal.timeout(PROBE_MS) })
    return typeof ((await response.json()) as { total_events?: unknown }).total_events === 'number'
  } catch {
    return false
  }
}
