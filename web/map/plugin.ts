import type { Plugin } from 'vite'
import { projectWorld } from './project.ts'

const NAME = 'virtual:world'
const RESOLVED = `\0${NAME}`

/** Lets the page `import world from 'virtual:world'`: the map as finished paths. */
export function world(): Plugin {
  return {
    name: 'world',
    resolveId: (id) => (id === NAME ? RESOLVED : undefined),
    load: (id) => (id === RESOLVED ? `export default ${JSON.stringify(projectWorld())}` : undefined),
  }
}
