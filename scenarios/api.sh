#!/usr/bin/env bash
# The API as its description says it: the authorisation matrix, then schemathesis with every role – on SQLite and on
# PostgreSQL, each with a secondary node of its own.
#
#   scenarios/api.sh --hufu HUFU
#
# API_CASES: how many requests schemathesis makes at least in all (20000); 0 leaves it at the matrix.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

hufu=''
[ "${1:-}" = --hufu ] && hufu=$(realpath "$2")
[ -n "$hufu" ] || { sed -n '5p' "$0" >&2; exit 2; }

readonly CASES=${API_CASES:-20000} CHECKS=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
# The roles that reach the most of each kind, shared between the databases. The last one may change the rules of
# accounts, its own among them.
declare -A ROLES=([sqlite]="platform-operator enterprise-administrator" [postgres]="platform-operator security-administrator")

work=$(mktemp -d)
node='' server='' failed=0 cases=0

stop() {
  [ -z "$node" ] || { kill "$node" 2>/dev/null; wait "$node" 2>/dev/null; }
  node=''
}
finish() {
  stop
  [ -z "$server" ] || { kill -INT "$server" 2>/dev/null; wait "$server" 2>/dev/null; }
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Starts PostgreSQL of Debian in $work/pg; its address goes to $postgres.
start_postgres() {
  local bin run=()
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
  [ -n "$bin" ] || { echo "PostgreSQL is not installed; run scenarios/setup.sh"; return 1; }
  chmod 755 "$work"
  install -d -m 777 "$work/pg"
  [ "$(id -u)" -ne 0 ] || run=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  "${run[@]}" "$bin/initdb" -D "$work/pg/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$work/pg/log" 2>&1 || return 1
  "${run[@]}" "$bin/postgres" -D "$work/pg/data" -k "$work/pg" -c listen_addresses= -c fsync=off >>"$work/pg/log" 2>&1 &
  server=$!
  for _ in $(seq 100); do "$bin/pg_isready" -q -h "$work/pg" -U postgres && break; sleep 0.1; done
  postgres="postgres://postgres@localhost/postgres?host=$work/pg"
}

# start NAME [DATABASE]: a secondary node in $work/NAME; sets $url and $config.
start() {
  local home=$work/$1 http admin
  http=$(free_port) admin=$(free_port)
  "$hufu" init secondary --prefix 88.118 --dir "$home" >/dev/null || return 1
  config=$home/secondary.toml url=http://127.0.0.1:$http
  sed -i -e 's/^plain-credentials-on-loopback = false/plain-credentials-on-loopback = true/' -e "s/^\(udp-\|tcp-\)port = .*/\1port = 0/" \
    -e "s/^port = 8000/port = $http/" -e "s/^port = 9300/port = $admin/" "$config"
  HUFU_REGISTRY_DATABASE=${2:-sqlite:registry.db} "$hufu" serve --config "$config" >"$home/log" 2>&1 &
  node=$!
  for _ in $(seq 300); do
    curl --silent --noproxy '*' --output /dev/null "http://127.0.0.1:$admin/readyz" && return 0
    kill -0 "$node" 2>/dev/null || break
    sleep 0.1
  done
  echo "the node does not start:"; tail -5 "$home/log"
  return 1
}

# fuzz DATABASE ROLE: schemathesis as that role.
fuzz() {
  local token log=$work/$1-$2.log made
  token=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/tokens" "$2")
  # What would end the session (schemathesis learns its id from the list), or lock everybody of this address out, is left
  # to the matrix.
  .venv/bin/schemathesis --config-file scenarios/api/schemathesis.toml run "$url/api/v1/openapi.json" --url "$url" --header "Authorization: Bearer $token" --checks "$CHECKS" \
    --phases coverage,fuzzing --max-examples "$examples" --exclude-operation-id signOut --exclude-operation-id signIn \
    --exclude-operation-id endSession \
    --generation-deterministic --continue-on-failure >"$log" 2>&1
  local code=$? still
  # A run whose session ended on the way says nothing.
  still=$(curl --silent --noproxy '*' --output /dev/null --write-out '%{http_code}' --header "Authorization: Bearer $token" "$url/api/v1/sessions/current")
  if [ "$still" != 200 ] && [ "$2" != security-administrator ]; then
    failed=$((failed + 1))
    printf 'FAIL schemathesis %s %s: the session ended on the way (%s)\n' "$1" "$2" "$still"
  fi
  made=$(sed -n 's/^ *\([0-9]*\) generated.*/\1/p' "$log" | tail -1)
  cases=$((cases + ${made:-0}))
  if [ "$code" -eq 0 ]; then
    printf 'ok schemathesis %s %s: %s requests\n' "$1" "$2" "${made:-0}"
  else
    failed=$((failed + 1))
    printf 'FAIL schemathesis %s %s: %s requests\n' "$1" "$2" "${made:-0}"
    sed -n '/FAILURES/,/^Warnings/p;/ERRORS/,/^Warnings/p' "$log" | head -120
  fi
}

start_postgres || exit 1
# Enough for the asked number over all runs, from what one example for each operation brings.
examples=$((CASES / 2000 + 1))
for database in sqlite postgres; do
  address=''
  [ "$database" = sqlite ] || address=$postgres
  start "$database" "$address" || exit 1
  if python3 scenarios/api/matrix.py "$url" "$hufu" "$config" "$work/tokens"; then
    printf 'ok matrix %s\n' "$database"
  else
    failed=$((failed + 1))
    printf 'FAIL matrix %s\n' "$database"
  fi
  [ "$CASES" -eq 0 ] || for role in ${ROLES[$database]}; do fuzz "$database" "$role"; done
  if "$hufu" audit verify --config "$config" >/dev/null; then printf 'ok audit %s\n' "$database"; else failed=$((failed + 1)); printf 'FAIL audit %s\n' "$database"; fi
  if grep -q 'incident' "$work/$database/log"; then
    failed=$((failed + 1))
    echo "FAIL incidents on $database:"
    grep incident "$work/$database/log" | head -5
  fi
  stop
done
printf '%s requests in all\n' "$cases"
[ "$cases" -ge "$CASES" ] || { echo "FAIL fewer than $CASES requests"; failed=$((failed + 1)); }
exit $((failed > 0))
