#!/bin/sh
# Makes a clone ready to run: the npm packages (with the Node they pin) and the built page.
# Does nothing, in a few milliseconds, when both are up to date. Talks on stderr only.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin="$root/node_modules/.bin"
stamp="$root/node_modules/.music-faker-installed"

say() {
  echo "music-faker: $*" >&2
}

install_packages() {
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error "$@" >&2)
}

runs_node() {
  "$1" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 24 || (a == 24 && b >= 6) ? 0 : 1)' 2>/dev/null
}

if ! command -v npm >/dev/null 2>&1; then
  say "npm was not found. Install Node.js 24 (https://nodejs.org), then try again."
  exit 1
fi
if ! cmp -s "$root/package-lock.json" "$stamp"; then
  system_node=$(command -v node || true)
  say "installing packages (once, about 20 s) ..."
  # The pinned Node comes by the install script of one package. Where scripts are off, or there is no such Node for the
  # platform, the machine's own Node will do if it is new enough.
  install_packages || install_packages --ignore-scripts
  if ! runs_node "$bin/node"; then
    if [ -z "$system_node" ] || ! runs_node "$system_node"; then
      say "the pinned Node.js could not be installed, and the machine's own is older than 24.6. Install Node.js 24 (https://nodejs.org), then try again."
      exit 1
    fi
    ln -sf "$system_node" "$bin/node"
  fi
  cp "$root/package-lock.json" "$stamp"
fi
page="$root/dist/web/index.html"
# Of src/, the page runs one file; of the others it has types only.
if [ ! -f "$page" ] || [ -n "$(find "$root/web" "$root/src/csv.ts" -type f -newer "$page" -print -quit)" ]; then
  say "building the page ..."
  (cd "$root" && PATH="$bin:$PATH" vite build web --logLevel warn >&2)
fi
