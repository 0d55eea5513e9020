#!/bin/sh
# npm run build: compiles src/ to dist/ and builds the page, as the published package holds them.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$root/scripts/setup.sh"
cd "$root"
PATH="$root/node_modules/.bin:$PATH"
export PATH
tsc -p tsconfig.build.json
vite build web --logLevel warn
chmod +x dist/cli/main.js
