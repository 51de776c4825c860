#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Loads a made-up corpus of $3 spans into a fresh clew from the folder $1 with
# the load generator at $2, queries it back, and prints one JSON object a step:
# time, processor, memory, disk, and whether each answer was right.
set -euo pipefail

bin=$(cd "${1:-bin}" && pwd)
generator=$2
spans=${3:-1000000}
tmp=$(mktemp -d)
server=

stop() {
  trap - EXIT INT TERM
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT TERM

(cd "$generator" && go build -o "$tmp/bench" .)
cd "$tmp"
"$tmp/bench" gen -spans "$spans" -out corpus.bin

"$bin/clew" serve --data "$tmp/data" --ephemeral-ports --addresses-file "$tmp/addresses.json" >/dev/null 2>"$tmp/log" &
server=$!
for _ in $(seq 100); do
  [ -s addresses.json ] && break
  kill -0 "$server" 2>/dev/null || { cat "$tmp/log" >&2; exit 1; }
  sleep 0.1
done
address() {
  tr ',{}' '\n\n\n' <addresses.json | sed -nE "s/^ *\"$1\" *: *\"([^\"]+)\" *$/\1/p"
}

"$tmp/bench" load -in corpus.bin -target "$(address otlp-grpc)" -conns 2 -inflight 2 -shift now -pid "$server" -settle 10s
"$tmp/bench" query -facts corpus.json -api tempo -target "http://$(address tempo)" -pid "$server" ${QUERY_FLAGS:-}
"$tmp/bench" disk -dir "$tmp/data" -facts corpus.json
