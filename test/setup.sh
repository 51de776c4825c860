#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what the end to end tests need, from the lock files, and fails when
# something cannot be had: nothing is skipped. Does nothing where all of it is
# already there and the lock files have not changed since.
set -eu
cd "$(dirname "$0")"

need() {
  command -v "$1" >/dev/null 2>&1 || { echo "test/setup.sh: $1 is missing: $2" >&2; exit 1; }
}
need node "install Node.js 20 or newer"
need npm "install npm"
need python3 "install Python 3.11 or newer"
need "${CHROMIUM:-/usr/bin/chromium}" "install Chromium, or set CHROMIUM to its path"

# fresh FILE STAMP: the stamp holds the checksum of the file it was made from.
fresh() {
  [ -f "$2" ] && [ "$(cat "$2")" = "$(cksum <"$1")" ]
}

# One at a time: go test runs packages side by side.
exec 9>.setup.lock
flock 9

for dir in clients/node clients/browser ui; do
  if ! fresh "$dir/package-lock.json" "$dir/node_modules/.stamp"; then
    echo "test/setup.sh: npm ci in test/$dir" >&2
    (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    cksum <"$dir/package-lock.json" >"$dir/node_modules/.stamp"
  fi
done
(cd clients/browser && node build.mjs)

venv=clients/python/.venv
if ! fresh clients/python/requirements.txt "$venv/.stamp"; then
  echo "test/setup.sh: pip install in test/$venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r clients/python/requirements.txt >&2
  cksum <clients/python/requirements.txt >"$venv/.stamp"
fi

mkdir -p clients/bin
go build -o clients/bin/payment ./clients/go
