#!/usr/bin/env -S node --max-semi-space-size=1
/**
 * The entry of the command line. It only checks the Node version, before anything that an older Node cannot load, so
 * nothing here may be imported statically except Node's own modules, and the syntax stays within what Node 20 parses.
 */
import module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 24 || (major === 24 && minor < 6)) {
  process.stderr.write(
    `error: music-faker needs Node.js 24.6 or newer, and this is ${process.versions.node}; install a newer one from https://nodejs.org\n`,
  )
  process.exitCode = 78
} else {
  // Halves the start of every command after the first one.
  module.enableCompileCache()
  const { run } = await import('./run.ts')
  process.exit(await run(process.argv.slice(2)))
}
