#!/bin/sh
# Makes a clone ready to run: the npm packages (with the Node they pin) and the built page.
# Does nothing, in a few milliseconds, when both are up to date. Talks on stderr only.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
stamp="$root/node_modules/.music-faker-installed"

if ! command -v npm >/dev/null 2>&1; then
  echo "music-faker: npm was not found. Install Node.js 20 or newer (https://nodejs.org), then try again." >&2
  exit 1
fi
if ! cmp -s "$root/package-lock.json" "$stamp"; then
  echo "music-faker: installing packages (once, about 20 s) ..." >&2
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >&2)
  if ! "$root/node_modules/.bin/node" --version >/dev/null 2>&1; then
    echo "music-faker: the pinned Node.js did not install (are npm install scripts turned off?). Run: npm rebuild node" >&2
    exit 1
  fi
  cp "$root/package-lock.json" "$stamp"
fi
page="$root/dist/web/index.html"
if [ ! -f "$page" ] || [ -n "$(find "$root/web" -type f -newer "$page" -print -quit)" ]; then
  echo "music-faker: building the page ..." >&2
  (cd "$root" && PATH="$root/node_modules/.bin:$PATH" vite build web --logLevel warn >&2)
fi
