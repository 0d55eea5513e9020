/** `/docs`: the description of every route as a page that works without a script, and lets each be tried by its form. */
import { type Described, type Parameter, parametersOf } from './openapi.ts'

/** The page's own policy: its forms ask this server, and its looks are in a file of its own. */
export const DOCS_POLICY =
  "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

export function docsPage(routes: readonly Described[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>music-faker: the API</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<main>
<h1>The API of music-faker</h1>
<p>Read-only; times are UTC; an empty parameter is as none; errors are problem documents (RFC 9457). The same for programs:
<a href="/openapi.json">/openapi.json</a>. The page: <a href="/">/</a>.</p>
${routes.map(section).join('\n')}
</main>
</body>
</html>
`
}

function section(route: Described): string {
  const parameters = parametersOf(route)
  const answers = Object.entries(route.answers).map(
    ([status, { description, type }]) => `<li><b>${status}</b> ${text(description)} <code>${text(type)}</code></li>`,
  )
  return `<section>
<h2><code>GET ${text(route.path)}</code></h2>
<p>${text(route.summary)}</p>
${route.params ? rows(parameters) : form(route.path, parameters)}
<ul>${answers.join('')}</ul>
</section>`
}

/** A route with a name in its path cannot be asked by a form without a script. */
function rows(parameters: readonly Parameter[]): string {
  return `<ul>${parameters.map(({ name, description = '' }) => `<li><code>${text(name)}</code> ${text(description)}</li>`).join('')}</ul>`
}

function form(path: string, parameters: readonly Parameter[]): string {
  return `<form action="${text(path)}">${parameters.map(field).join('')}<button>Try it</button></form>`
}

function field({ name, required, description = '', schema }: Parameter): string {
  const { enum: choices, default: normal, type } = schema as { enum?: string[]; default?: unknown; type?: string }
  const value = normal === undefined ? '' : text(String(normal))
  const input = choices
    ? `<select name="${text(name)}">${choices.map((choice) => `<option${choice === normal ? ' selected' : ''}>${text(choice)}</option>`).join('')}</select>`
    : `<input name="${text(name)}" value="${value}"${type === 'integer' ? ' inputmode="numeric"' : ''}${required ? ' required' : ''}>`
  return `<label><code>${text(name)}</code> ${input} <small>${text(description)}</small></label>`
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

export const DOCS_STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid color-mix(in srgb, currentcolor 25%, transparent); padding: 0.5rem 0 1rem; }
h2 { font-size: 1.1rem; overflow-wrap: anywhere; }
label { display: block; margin: 0.25rem 0; }
input, select, button { font: inherit; padding: 0.25rem 0.5rem; min-height: 2rem; }
button { margin-top: 0.5rem; }
small { opacity: 0.8; }
`
