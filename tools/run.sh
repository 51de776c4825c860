#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts clew and the demo shop from the folder $1, says where the UI is, and
# stops both on ctrl-C or when either ends. What stands in CLEW_* variables goes
# for clew as usual (CLEW_DATA, CLEW_HTTP, …).
set -euo pipefail

bin=${1:-bin}
tmp=$(mktemp -d)
pids=()

stop() {
  trap - EXIT INT TERM
  if [ ${#pids[@]} -gt 0 ]; then
    kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
  fi
  rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT TERM

"$bin/clew" serve --addresses-file "$tmp/addresses.json" >/dev/null &
pids+=($!)

# address NAME: where a listener is.
address() {
  tr ',{}' '\n\n\n' <"$tmp/addresses.json" | sed -nE "s/^ *\"$1\" *: *\"([^\"]+)\" *$/\1/p"
}

for _ in $(seq 100); do
  [ -s "$tmp/addresses.json" ] && break
  kill -0 "${pids[0]}" 2>/dev/null || exit 1 # it has said why
  sleep 0.1
done
[ -s "$tmp/addresses.json" ] || { echo "clew has not come up within 10 s" >&2; exit 1; }

http=$(address http)
otlp=$(address otlp-grpc)
if [ -z "$http" ] || [ -z "$otlp" ]; then
  echo "a port that make run needs is taken (see above): free it, or set CLEW_HTTP=0 CLEW_OTLP_GRPC=0 for free ones" >&2
  exit 1
fi

"$bin/clew-demo" --endpoint "$otlp" >"$tmp/demo.log" 2>&1 &
pids+=($!)

printf '\n  Clew is at  http://%s\n  The demo shop is sending traces. Ctrl-C stops both.\n\n' "$http"

status=0
wait -n "${pids[@]}" || status=$?
if ! kill -0 "${pids[1]}" 2>/dev/null; then
  echo "the demo shop has ended:" >&2
  tail -n 20 "$tmp/demo.log" >&2
fi
exit "$status"
