/** Runs a program to its end. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { MusicFakerError } from '../errors.ts'
import type { ToolResult } from './engine.ts'

/**
 * @returns its exit code (128 and more when a signal ended it) and all that it printed
 * @throws CLUSTER_MISSING when there is no such program, CLUSTER_FAILED when it cannot be started
 */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { environment: NodeJS.ProcessEnv; signal?: AbortSignal },
): Promise<ToolResult> {
  const child = spawn(command, args, {
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.signal && { signal: options.signal }),
  })
  const closed = new Promise<number>((resolve, reject) => {
    child.once('close', (code) => resolve(code ?? 128))
    child.once('error', reject)
  })
  try {
    const [code, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)])
    return { code, stdout, stderr }
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const what = missing ? `${command} was not found` : `cannot run ${command}: ${(cause as Error).message}`
    throw new MusicFakerError(missing ? 'CLUSTER_MISSING' : 'CLUSTER_FAILED', what, { cause })
  }
}
