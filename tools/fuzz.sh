#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target of the module for $1 (default 2m) each. A find is
# written to testdata/fuzz of its package and fails the run: commit it with the
# repair. Making a find smaller is bounded: Go spends a minute on each otherwise,
# and executes nothing new meanwhile.
set -euo pipefail

time=${1:-2m}
failed=()
for pkg in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
    echo "== $pkg $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 100x "$pkg" || failed+=("$pkg $target")
  done
done
if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
