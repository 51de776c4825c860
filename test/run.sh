#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the end to end tests: the real binary, real tracing clients, Chromium.
# Installs and builds what they need first and fails when something cannot be had.
#
#   CLEW_BIN       the clew binary (default: bin/clew, built if it is not there)
#   CLEW_DEMO_BIN  the clew-demo binary (default: bin/clew-demo, likewise)
#   CLEW_SOAK=1    the long forms: 200 kills instead of 20
#   CHROMIUM       the browser (default: /usr/bin/chromium)
set -eu
cd "$(dirname "$0")/.."

sh test/setup.sh

exec go test -count=1 -p 1 -timeout "${CLEW_TEST_TIMEOUT:-30m}" -v ./test/...
