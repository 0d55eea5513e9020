#!/bin/sh
# Makes a clone ready to run: the npm packages (with the Node they pin) and the built page.
# Does nothing, in a few milliseconds, when both are up to date. Talks on stderr only. One at a time: two commands at once
# would install into each other's packages.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin="$root/node_modules/.bin"
stamp="$root/node_modules/.music-faker-installed"
page="$root/dist/web/index.html"
# A link, which appears together with what it says: the pid of its holder.
lock="$root/.setup-lock"

say() {
  echo "music-faker: $*" >&2
}

packages_are_missing() {
  ! cmp -s "$root/package-lock.json" "$stamp"
}

page_is_missing() {
  # Of src/, the page runs one file; of the others it has types only.
  [ ! -f "$page" ] || [ -n "$(find "$root/web" "$root/src/csv.ts" -type f -newer "$page" -print -quit)" ]
}

# Waits for the lock, and holds it to the end of this script.
take_lock() {
  told='' missed=0
  until failure=$(ln -s "$$" "$lock" 2>&1); do
    holder=$(readlink "$lock" || true)
    if [ -z "$holder" ]; then
      # Let go meanwhile; or it cannot be made, such as on a full disk.
      missed=$((missed + 1))
      [ "$missed" -lt 5 ] || { say "$failure"; exit 1; }
      continue
    fi
    if ! kill -0 "$holder" 2>/dev/null && take_away "$holder"; then continue; fi
    [ -n "$told" ] || say "waiting for another command (pid $holder) to finish its setup; if there is none, remove $lock* ..."
    told=yes
    sleep 1
  done
  trap 'rm -f "$lock"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Takes away the lock of a process that is gone: one command at a time, and after another look, for it may be the lock of
# the next holder by now.
take_away() {
  mkdir "$lock.stale" 2>/dev/null || return 1
  if [ "$(readlink "$lock")" = "$1" ]; then rm -f "$lock"; fi
  rmdir "$lock.stale"
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
if packages_are_missing || page_is_missing; then
  take_lock
  # Another look: who had the lock before may have done it.
  if packages_are_missing; then
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
  if page_is_missing; then
    say "building the page ..."
    (cd "$root" && PATH="$bin:$PATH" vite build web --logLevel warn >&2)
  fi
fi
