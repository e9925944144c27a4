#!/usr/bin/env bash
# Runs every scenario against one small country of real nodes: `hufu demo` in the background, then clients
# that we did not write. Logs stand in target/scenarios/log/.
#
#   scenarios/run.sh [scenario…]        all of them, or only those named
#
# HUFU_BIN names a built binary (otherwise: cargo build); HUFU_READY names the ready file of a country that
# runs already (nothing is started then).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly START_SECONDS=120 SCENARIO_SECONDS=1500
readonly LOGS=target/scenarios/log
readonly ALL=(demo-check http gs1 browser dns pyhandle java-client label api mail)

work=$(mktemp -d)
demo=
passed=0 failed=0 skipped=0

say() { printf '%s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
row() { printf '%-14s %-8s %8s  %s\n' "$@"; }

stop() {
  if [ -n "$demo" ]; then
    kill "$demo" 2>/dev/null
    for _ in $(seq 100); do kill -0 "$demo" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$demo" 2>/dev/null
    wait "$demo" 2>/dev/null
  fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# ------------------------------------------------------------------ the country

build() {
  hufu=${HUFU_BIN:-}
  if [ -z "$hufu" ]; then
    cargo build --quiet --locked -p hufu-node --bin hufu || return 1
    hufu=${CARGO_TARGET_DIR:-target}/debug/hufu
  fi
  [ -x "$hufu" ] || { say "no binary at $hufu"; return 1; }
}

start() {
  ready=${HUFU_READY:-$work/ready.json}
  [ -z "${HUFU_READY:-}" ] || return 0
  "$hufu" demo --ports auto --data-dir "$work/data" --ready-file "$ready" >"$LOGS/demo.log" 2>&1 &
  demo=$!
  local deadline=$((SECONDS + START_SECONDS))
  # The file counts once it is whole: it may be seen while it is being written.
  until python3 -m json.tool "$ready" >/dev/null 2>&1; do
    if ! kill -0 "$demo" 2>/dev/null; then
      demo=
      say "the demo ended before it was ready:"
      tail -n 20 "$LOGS/demo.log"
      return 1
    fi
    [ "$SECONDS" -lt "$deadline" ] || { say "not ready after $START_SECONDS s, see $LOGS/demo.log"; return 1; }
    sleep 0.2
  done
}

# node ROLE FIELD [FIELD…]: the value in the first node of that role, one per line; nothing if there is none.
node() {
  python3 - "$ready" "$@" <<'PY'
import json, sys

ready, role, *fields = sys.argv[1:]
nodes = [node for node in json.load(open(ready))["nodes"] if node["role"] == role]
for field in fields if nodes else []:
    value = nodes[0]
    for part in field.split("."):
        value = (value or {}).get(part)
    print("" if value is None else value)
PY
}

# samples near|far PREFIX: identifiers with a slash that do, or do not, lie under the prefix; at most three.
samples() {
  python3 - "$ready" "$@" <<'PY'
import json, sys

ready, where, prefix = sys.argv[1:]
names = [s["identifier"] for s in json.load(open(ready))["samples"] if s["system"] in ("vaa", "handle")]
near = [name for name in names if name.startswith(prefix + "/")]
far = [name for name in names if "/" in name and name not in near]
print("\n".join((near if where == "near" else far)[:3]))
PY
}

# ------------------------------------------------------------------ the scenarios
# Each prints what it found; status 0 passed, 77 skipped with the reason in the last line, anything else failed.

skip() { say "$*"; return 77; }

# A scenario that hangs must not hang the run.
limited() {
  timeout --kill-after=10 "$SCENARIO_SECONDS" "$@"
  local status=$?
  [ "$status" -ne 124 ] || say "FAIL: still running after $SCENARIO_SECONDS s"
  return "$status"
}

scenario_demo_check() {
  [ -n "${hufu:-}" ] || { skip "no binary: the country was started elsewhere"; return; }
  limited "$hufu" demo --check --ports auto --data-dir "$work/check"
}

scenario_http() {
  have curl || { skip "curl is missing"; return; }
  local args=(--node "$url" --prefix "$prefix" --admin "$admin" --secret "$secret")
  local recursive; recursive=$(node recursive http)
  [ -z "$recursive" ] || args+=(--gateway "$recursive")
  local name
  while read -r name; do [ -z "$name" ] || args+=(--sample "$name"); done < <(samples near "$prefix"; samples far "$prefix")
  limited scenarios/http.sh "${args[@]}"
}

scenario_gs1() {
  have curl || { skip "curl is missing"; return; }
  [ -n "${hufu:-}" ] || { skip "no binary: the country was started elsewhere"; return; }
  local parent recursive; parent=$(node top-level http); recursive=$(node recursive http)
  limited scenarios/gs1.sh --hufu "$hufu" --owner "$url" --parent "$parent" --recursive "$recursive"
}

scenario_browser() {
  have chromium || [ -n "${CHROMIUM:-}" ] || { skip "chromium is missing"; return; }
  have npm || { skip "npm is missing"; return; }
  local gateway; gateway=$(node recursive http)
  limited scenarios/browser/run.sh "$gateway" "$(samples near "$prefix" | sed -n 1p)"
}

scenario_dns() {
  [ -n "${hufu:-}" ] || { skip "no binary: the country was started elsewhere"; return; }
  limited scenarios/dns.sh "$hufu"
}

scenario_pyhandle() {
  python3 -c 'import venv, ensurepip' 2>/dev/null || [ -x .venv/bin/python ] || { skip "python3 has no venv"; return; }
  limited python3 scenarios/pyhandle/run.py --url "$url" --prefix "$prefix" --admin "$admin" --secret "$secret"
}

scenario_java_client() {
  have java || { skip "java is missing"; return; }
  have mvn || { skip "mvn is missing"; return; }
  local args=(--tcp "$tcp" --http "$url" --prefix "$prefix" --admin "$admin" --secret "$secret")
  [ -z "$udp" ] || args+=(--udp "$udp")
  local name value
  while read -r name; do [ -z "$name" ] || args+=(--handle "$name"); done < <(samples near "$prefix")
  while read -r name; do [ -z "$name" ] || args+=(--far "$name"); done < <(samples far "$prefix")
  for name in root recursive; do
    value=$(node "$name" handle_tcp)
    [ -z "$value" ] || args+=("--$name" "$value")
  done
  limited scenarios/java-client/run.sh "${args[@]}"
}

scenario_label() {
  [ -n "${hufu:-}" ] || { skip "no binary: the country was started elsewhere"; return; }
  have pdftoppm || { skip "pdftoppm is missing"; return; }
  have rsvg-convert || { skip "rsvg-convert is missing"; return; }
  .venv/bin/python -c 'import zxingcpp, PIL' 2>/dev/null || { skip "zxing-cpp is not in .venv"; return; }
  limited .venv/bin/python scenarios/label/run.py --hufu "$hufu"
}

scenario_api() {
  [ -n "${hufu:-}" ] || { skip "no binary: the country was started elsewhere"; return; }
  [ -x .venv/bin/schemathesis ] || { skip "schemathesis is not in .venv"; return; }
  limited scenarios/api.sh --hufu "$hufu"
}

scenario_mail() {
  [ -n "${hufu:-}" ] || { skip "no binary: the country was started elsewhere"; return; }
  .venv/bin/python -c 'import aiosmtpd' 2>/dev/null || { skip "aiosmtpd is not in .venv"; return; }
  limited .venv/bin/python scenarios/mail/run.py --hufu "$hufu"
}

run_scenario() {
  local name=$1 log=$LOGS/$1.log begin=$EPOCHREALTIME status seconds
  "scenario_${name//-/_}" >"$log" 2>&1 </dev/null
  status=$?
  seconds=$(python3 -c "print(f'{$EPOCHREALTIME - $begin:.1f}')")
  case $status in
    0) passed=$((passed + 1)); row "$name" passed "$seconds" "" ;;
    77) skipped=$((skipped + 1)); row "$name" skipped "$seconds" "$(tail -n 1 "$log")" ;;
    *) failed=$((failed + 1)); row "$name" FAILED "$seconds" "see $log"
      { grep -E '^FAIL|^cannot run' "$log" || tail -n 10 "$log"; } | head -n 20 | sed 's/^/    /' ;;
  esac
}

main() {
  mkdir -p "$LOGS"
  have python3 || { say "python3 is missing: run scenarios/setup.sh"; exit 1; }
  if [ -z "${HUFU_READY:-}" ] || [ -n "${HUFU_BIN:-}" ]; then build || exit 1; fi
  start || exit 1
  { read -r url; read -r tcp; read -r udp; read -r prefix; read -r admin; read -r secret; } < <(
    node enterprise http handle_tcp handle_udp prefix admin.identity admin.secret)
  [ -n "${secret:-}" ] || { say "the ready file names no enterprise node with an administrator"; exit 1; }
  row scenario result seconds ""
  local name
  for name in "${@:-${ALL[@]}}"; do
    case " ${ALL[*]} " in
      *" $name "*) run_scenario "$name" ;;
      *) say "no such scenario: $name (there are: ${ALL[*]})"; exit 2 ;;
    esac
  done
  local rest=; [ "$skipped" -eq 0 ] || rest=", $skipped skipped"
  say "$passed passed, $failed failed$rest"
  [ "$failed" -eq 0 ]
}

main "$@"
