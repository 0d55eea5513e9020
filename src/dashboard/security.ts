/**
 * What every request and every answer passes: read-only methods, the Host header, and the headers that keep a browser
 * from running or sending anything that is not this page's own.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RequestRefused } from './problem.ts'

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  // No text of an event can become markup, even by a mistake in the page.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page that is made to be embedded may stand in a frame of any page: it has nothing to click that changes anything. */
const EMBEDDED_POLICY = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", 'frame-ancestors *')

/** On every answer, errors included. */
export const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/** @param host the address the server is bound to */
export function secure(app: FastifyInstance, host: string): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    if (isEmbedded(request)) reply.header('content-security-policy', EMBEDDED_POLICY)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      reply.header('allow', 'GET, HEAD')
      throw new RequestRefused(405, `${request.method} is not allowed: this server only reads`, 'Use GET.')
    }
    if (!hostAllowed(request.headers.host, host)) {
      throw new RequestRefused(
        421,
        'the Host header does not name this server',
        `Use http://localhost or the address it listens on, or start it with --host ADDRESS.`,
      )
    }
  })
}

/** `/?embed=1`, and the page of a listener or artist with it. */
function isEmbedded({ query, url }: FastifyRequest): boolean {
  return (query as { embed?: unknown }).embed === '1' && /^\/(?:\?|listener\/|artist\/)/.test(url)
}

/**
 * Whether a request may name `header` as its host. Bound to this machine only, the server answers only to this machine's
 * names: otherwise a page elsewhere whose name is made to resolve to 127.0.0.1 could read it (DNS rebinding).
 */
export function hostAllowed(header: string | undefined, bound: string): boolean {
  if (!LOOPBACK.has(bound) && !bound.startsWith('127.')) return true
  const name = hostName(header ?? '')
  return name !== undefined && (LOOPBACK.has(name) || name === bound.toLowerCase())
}

/** The name in a Host header, without port and brackets; undefined where it is malformed. */
function hostName(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:/\s[\]]+))(?::\d{1,5})?$/i.exec(header)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}
