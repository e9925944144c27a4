#!/usr/bin/env bash
# CPU time of one DNS question, next to an unbound that has the same records as local data, in the same run.
#
#   bench/dns.sh HUFU [ROUNDS]       HUFU is a release build; needs dnsperf and unbound
#
# Both serve on the loopback with one UDP thread; dnsperf keeps 64 questions in flight. In each round every case is
# asked for three seconds, in turn. Printed is microseconds of user and system time a question, the median of the
# rounds with the least and the most.
set -uo pipefail

hufu=${1:?the hufu binary}
rounds=${2:-5}
readonly ZONE=ors.example.cn RECORDS=20000 SECONDS_EACH=3
readonly OURS=5391 PEER=5392 HANDLE=2691 HTTP=8091 ADMIN=9391

have() { command -v "$1" >/dev/null 2>&1; }
for tool in dnsperf unbound python3; do have $tool || { echo "$tool is missing"; exit 77; }; done

work=$(mktemp -d)
pids=()
stop() {
  [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

start_ours() {
  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/server-key.pem" 2>/dev/null
  echo secret-of-the-bench >"$work/admin-secret"
  cat >"$work/node.toml" <<TOML
version = "v1"
role = "top-level"
name = "bench"
data-directory = "data"
prefixes = ["oid:1.2.156"]
[handle]
listen = ["127.0.0.1"]
udp-port = $HANDLE
tcp-port = $HANDLE
key-file = "server-key.pem"
[http]
listen = ["127.0.0.1"]
port = $HTTP
[admin]
listen = ["127.0.0.1"]
port = $ADMIN
[administration]
secret-file = "admin-secret"
[dns]
enabled = true
signed = true
workers = 1
listen = ["127.0.0.1"]
port = $OURS
zone = "$ZONE"
TOML
  "$hufu" serve --config "$work/node.toml" >"$work/hufu.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do curl -fs "http://127.0.0.1:$ADMIN/readyz" >/dev/null 2>&1 && break; sleep 0.1; done
  { echo identifier,URL; seq "$RECORDS" | sed 's#.*#oid:1.2.156.&,https://parts.example/&#'; } >"$work/records.csv"
  "$hufu" import "$work/records.csv" --prefix oid:1.2.156 --server "127.0.0.1:$HANDLE" \
    --identity 301:0.NA/OID:1.2.156 --secret-file "$work/admin-secret" >/dev/null || { cat "$work/hufu.log"; exit 1; }
}

# The same answers: what the node says, as local data.
start_peer() {
  {
    printf 'server:\n  interface: 127.0.0.1@%s\n  num-threads: 1\n  do-daemonize: no\n  username: ""\n  chroot: ""\n' $PEER
    printf '  directory: "%s"\n  pidfile: ""\n  use-syslog: no\n  do-ip6: no\n  local-zone: "%s." static\n' "$work" $ZONE
    printf '  local-data: "%s. 300 SOA ns1.%s. h.%s. 1 3600 600 604800 300"\n' $ZONE $ZONE $ZONE
    local record="  local-data: '%s.156.2.1.$ZONE. 3600 NAPTR 100 %s \"U\" \"%s\" \"!^.*$!%s!\" .'\n" n
    for n in $(seq "$RECORDS"); do
      printf "$record" "$n" 10 ORS+COID "1.2.156.$n" "$n" 20 ORS+UINF "https://parts.example/$n" \
        "$n" 30 ORS+RINF "http://127.0.0.1:$HTTP/oid/1.2.156.$n/rinf.xml"
    done
    printf 'remote-control:\n  control-enable: no\n'
  } >"$work/unbound.conf"
  unbound -c "$work/unbound.conf" >"$work/unbound.log" 2>&1 &
  pids+=($!)
  sleep 3
}

# cost PID PORT FILE [options…]: microseconds a question; every question must be answered as the case expects.
cost() {
  local pid=$1 port=$2 file=$3 before after count
  shift 3
  before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
  dnsperf -s 127.0.0.1 -p "$port" -d "$file" -l $SECONDS_EACH -c 1 -q 64 -T 1 "$@" >"$work/perf" 2>&1
  after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
  count=$(awk '/Queries completed/ { print $3 }' "$work/perf")
  awk -v ticks=$((after - before)) -v count="$count" 'BEGIN { printf "%.2f", ticks * 10000 / count }'
}

main() {
  start_ours
  local ours=${pids[0]} round
  start_peer
  local peer=${pids[1]}
  seq "$RECORDS" | shuf | sed "s/.*/&.156.2.1.$ZONE NAPTR/" >"$work/hits"
  seq $((10 * RECORDS)) $((11 * RECORDS)) | shuf | sed "s/.*/&.156.2.1.$ZONE NAPTR/" >"$work/misses"
  dnsperf -s 127.0.0.1 -p $OURS -d "$work/hits" -n 1 -q 64 2>&1 | grep -E 'Response codes|Average packet'
  dnsperf -s 127.0.0.1 -p $PEER -d "$work/hits" -n 1 -q 64 2>&1 | grep -E 'Response codes|Average packet'
  dnsperf -s 127.0.0.1 -p $OURS -d "$work/misses" -n 1 -q 64 2>&1 | grep -E 'Response codes|Average packet'
  for round in $(seq "$rounds"); do
    {
      echo "hit $(cost "$ours" $OURS "$work/hits")"
      echo "peer-hit $(cost "$peer" $PEER "$work/hits")"
      echo "absent $(cost "$ours" $OURS "$work/misses")"
      echo "peer-absent $(cost "$peer" $PEER "$work/misses")"
      echo "hit-signed $(cost "$ours" $OURS "$work/hits" -D)"
      echo "absent-signed $(cost "$ours" $OURS "$work/misses" -D)"
    } >>"$work/costs"
  done
  python3 - "$work/costs" <<'PY'
import statistics, sys

cases = {}
for line in open(sys.argv[1]):
    name, cost = line.split()
    cases.setdefault(name, []).append(float(cost))
for name, costs in cases.items():
    print(f"{name:14} {statistics.median(costs):6.2f} µs  ({min(costs):.2f}–{max(costs):.2f})")
PY
}

main
