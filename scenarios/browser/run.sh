#!/usr/bin/env bash
# The public pages in a real browser, at the width of a phone: scenarios/browser/run.sh GATEWAY_URL IDENTIFIER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=../../target/scenarios/browser
mkdir -p "$work"
cp package.json run.mjs "$work"/
cd "$work"
[ -d node_modules/playwright-core ] || npm install --no-audit --no-fund --silent
exec node run.mjs "$@"
