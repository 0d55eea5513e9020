#!/bin/sh
# npm test: sets up, then lint, types and every test. Arguments go to vitest: npm test -- test/archive
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$root/scripts/setup.sh"
cd "$root"
PATH="$root/node_modules/.bin:$PATH"
export PATH
biome check --error-on-warnings .
tsc --noEmit
tsc --noEmit -p web
exec vitest run "$@"
