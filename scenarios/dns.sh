#!/usr/bin/env bash
# Object identifiers by DNS through three real nodes, asked with dig and walked by a stock unbound:
#
#   top-level 127.8.0.1 (1.2.156) --NS--> secondary 127.8.0.2 (1.2.156.20009) --NS--> enterprise 127.8.0.3 (….20009.7)
#   recursive 127.8.0.4: finds identifiers through the same hierarchy, forwards other names to the unbound
#   unbound   127.8.0.5: walks from the top-level node down by NS and validates; has one ordinary name of its own
#
# The zones of the top-level and the secondary node are signed, that of the enterprise is not.
#
#   scenarios/dns.sh HUFU        needs root for port 53 on addresses of the loopback
set -uo pipefail

hufu=${1:?the hufu binary}
readonly ZONE=ors.example.cn
readonly TOP=127.8.0.1 SECOND=127.8.0.2 WORKS=127.8.0.3 RECURSIVE=127.8.0.4 UNBOUND=127.8.0.5

say() { printf '%s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
[ "$(id -u)" -eq 0 ] || { say "not root: port 53 cannot be had"; exit 77; }
have dig || { say "dig is missing"; exit 77; }
have unbound || { say "unbound is missing"; exit 77; }
have delv || { say "delv is missing"; exit 77; }

work=$(mktemp -d)
pids=() failures=0
stop() {
  [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# ------------------------------------------------------------------ the nodes

# node NAME ROLE ADDRESS PREFIX APEX [MORE…]: lays out and starts one; MORE are lines of [dns] and what follows.
node() {
  local name=$1 role=$2 address=$3 prefix=$4 apex=$5 home=$work/$1
  shift 5
  mkdir -p "$home"
  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$home/server-key.pem" 2>/dev/null
  printf 'secret-of-%s\n' "$name" >"$home/admin-secret"
  {
    printf 'version = "v1"\nrole = "%s"\nname = "%s"\ndata-directory = "data"\n' "$role" "$name"
    [ -z "$prefix" ] || printf 'prefixes = ["%s"]\n' "$prefix"
    printf '[handle]\nlisten = ["%s"]\nkey-file = "server-key.pem"\n' "$address"
    printf '[http]\nlisten = ["%s"]\n[admin]\nlisten = ["%s"]\n' "$address" "$address"
    [ -z "$prefix" ] || printf '[administration]\nsecret-file = "admin-secret"\n'
    printf '[dns]\nenabled = true\nlisten = ["%s"]\nzone = "%s"\napex = %s\n' "$address" "$ZONE" "$apex"
    printf '%s\n' "$@"
  } >"$home/node.toml"
  "$hufu" serve --config "$home/node.toml" >"$home/log" 2>&1 &
  pids+=($!)
  for _ in $(seq 300); do
    curl -fs "http://$address:9300/readyz" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  say "FAIL: $name is not ready"; tail -n 20 "$home/log"; exit 1
}

# as NAME ADDRESS PREFIX ARGUMENTS…: the command line as the first administrator of a node.
as() {
  local name=$1 address=$2 prefix=$3
  shift 3
  "$hufu" "$@" --server "$address:2641" --identity "301:0.NA/${prefix^^}" --secret-file "$work/$name/admin-secret"
}

start_unbound() {
  "$hufu" dns anchor --config "$work/top/node.toml" >"$work/anchor" || { say "FAIL: no anchor"; exit 1; }
  say "the trust anchor:"; cat "$work/anchor"
  cat >"$work/unbound.conf" <<CONF
server:
  interface: $UNBOUND
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  use-syslog: no
  verbosity: 1
  username: ""
  chroot: ""
  directory: "$work"
  pidfile: ""
  module-config: "validator iterator"
  trust-anchor-file: "$work/anchor"
  val-log-level: 2
  do-ip6: no
  local-zone: "plain.example." static
  local-data: "www.plain.example. 300 IN A 192.0.2.80"
stub-zone:
  name: "$ZONE."
  stub-addr: $TOP
remote-control:
  control-enable: no
CONF
  unbound -c "$work/unbound.conf" >"$work/unbound.log" 2>&1 &
  pids+=($!)
  sleep 1
}

# ------------------------------------------------------------------ what is looked at

# check WHAT PATTERN dig-ARGUMENTS…: shows the question and the answer, which must match.
check() {
  local what=$1 pattern=$2 answer
  shift 2
  say ""; say "\$ dig $*"
  answer=$(dig +time=10 +tries=1 "$@" 2>&1)
  printf '%s\n' "$answer" | grep -v '^$'
  if grep -Eq -- "$pattern" <<<"$answer"; then say "ok: $what"; else say "FAIL: $what: no $pattern"; failures=$((failures + 1)); fi
}

# delv_with ANCHOR arguments…: asks the unbound, unless the arguments name another server, and validates itself.
delv_with() {
  local anchor=$1
  shift
  awk -v zone="$ZONE." '$3 == "DNSKEY" { key = ""; for (i = 7; i <= NF; i++) key = key $i;
    printf "trust-anchors { \"%s\" static-key %s %s %s \"%s\"; };\n", zone, $4, $5, $6, key }' "$anchor" >"$work/anchors.conf"
  [[ $1 == @* ]] || set -- "@$UNBOUND" "$@"
  delv -a "$work/anchors.conf" +root=$ZONE "$@" 2>&1
}

# believe WHAT PATTERN delv-ARGUMENTS…
believe() {
  local what=$1 pattern=$2 answer
  shift 2
  say ""; say "\$ delv $*"
  answer=$(delv_with "$work/anchor" "$@")
  printf '%s\n' "$answer"
  if grep -Eq -- "$pattern" <<<"$answer"; then say "ok: $what"; else say "FAIL: $what: no $pattern"; failures=$((failures + 1)); fi
}

disbelieve() {
  local what=$1 answer
  shift
  answer=$(delv_with "$work/wrong" "$@")
  say ""; say "\$ delv with a wrong key $*"; printf '%s\n' "$answer"
  if grep -Eq 'validated|unsigned' <<<"$answer"; then say "FAIL: $what"; failures=$((failures + 1)); else say "ok: $what"; fi
}

main() {
  node top top-level $TOP oid:1.2.156 true 'signed = true'
  node second secondary $SECOND oid:1.2.156.20009 false 'signed = true'
  node works enterprise $WORKS oid:1.2.156.20009.7 false
  start_unbound
  node recursive recursive $RECURSIVE "" true "forward = [\"$UNBOUND:53\"]" \
    '[[resolution.upstream]]' 'prefix = "oid:"' "servers = [\"$TOP:2641\"]"

  delegate oid:1.2.156.20009 top $TOP oid:1.2.156 second $SECOND
  delegate oid:1.2.156.20009.7 second $SECOND oid:1.2.156.20009 works $WORKS
  as top $TOP oid:1.2.156 create oid:1.2.156.3088 --value '1:URL=https://a.example/x' --value '2:ORS+LABEL=虎符' || exit 1
  as second $SECOND oid:1.2.156.20009 create oid:1.2.156.20009.3.1 --value '1:URL=https://second.example/1' || exit 1
  as works $WORKS oid:1.2.156.20009.7 create oid:1.2.156.20009.7.1 --value '1:URL=https://works.example/1' || exit 1
  local many=() n
  for n in $(seq 40); do many+=(--value "$n:ORS+x$n=https://works.example/$(printf 'p%.0s' $(seq 60))"); done
  as works $WORKS oid:1.2.156.20009.7 create oid:1.2.156.20009.7.2.5 "${many[@]}" || exit 1

  local short=(+norec +noall +answer +authority +additional +comments)
  check "NAPTR at the owner" 'ORS\+COID.*1\.2\.156\.3088' @$TOP 3088.156.2.1.$ZONE NAPTR "${short[@]}"
  check "NAPTR below it" 'ORS\+UINF.*https://a.example/x' @$TOP ors-dummy.3088.156.2.1.$ZONE NAPTR "${short[@]}"
  check "names by DNAME" 'DNAME' @$TOP 3088.156.member-body.iso.$ZONE NAPTR "${short[@]}"
  check "the zone's SOA" 'SOA.*ns1' @$TOP $ZONE SOA "${short[@]}"
  check "an unknown node" 'NXDOMAIN' @$TOP 4711.156.2.1.$ZONE NAPTR "${short[@]}"
  check "no such data" 'NOERROR.*' @$TOP 3088.156.2.1.$ZONE TXT "${short[@]}"
  check "the top node refers by NS" "20009\.156\.2\.1\.$ZONE.*NS.*ns1" @$TOP 1.7.20009.156.2.1.$ZONE NAPTR "${short[@]}"
  check "glue" "ns1.*A.*$SECOND" @$TOP 1.7.20009.156.2.1.$ZONE NAPTR "${short[@]}"
  check "the secondary node too" "7\.20009\.156\.2\.1\.$ZONE.*NS" @$SECOND 1.7.20009.156.2.1.$ZONE NAPTR "${short[@]}"
  check "others' names are refused" 'REFUSED' @$SECOND 3088.156.2.1.$ZONE NAPTR "${short[@]}"
  check "ordinary names are refused" 'REFUSED' @$TOP www.plain.example A +comments

  check "unbound walks to the enterprise" 'ORS\+UINF.*https://works.example/1' @$UNBOUND 1.7.20009.156.2.1.$ZONE NAPTR
  check "unbound follows names" 'ORS\+COID.*1\.2\.156\.3088' @$UNBOUND 3088.cn.member-body.iso.$ZONE NAPTR
  check "unbound: no such node" 'NXDOMAIN' @$UNBOUND 9.7.20009.156.2.1.$ZONE NAPTR
  check "unbound: an empty node is no absence" 'NOERROR' @$UNBOUND 2.7.20009.156.2.1.$ZONE NAPTR
  # What is signed is believed from the anchor down, what is not is known to be unsigned.
  local ad='flags:[^;]* ad[ ;]'
  check "unbound believes a record" "$ad" @$UNBOUND 3088.156.2.1.$ZONE NAPTR +dnssec
  check "a record of the zone below" "$ad" @$UNBOUND 1.3.20009.156.2.1.$ZONE NAPTR +dnssec
  check "names by DNAME" "$ad" @$UNBOUND 3088.cn.member-body.iso.$ZONE NAPTR +dnssec
  check "the SOA" "$ad" @$UNBOUND $ZONE SOA +dnssec
  check "the DS of a child" "$ad" @$UNBOUND 20009.156.2.1.$ZONE DS +dnssec
  check "that there is none" "$ad" @$UNBOUND 7.20009.156.2.1.$ZONE DS +dnssec
  check "the absence of a name" "NXDOMAIN.*" @$UNBOUND 4711.156.2.1.$ZONE NAPTR +dnssec
  check "believed with its proof" "$ad" @$UNBOUND 4712.156.2.1.$ZONE NAPTR +dnssec
  check "a deep one too" "$ad" @$UNBOUND 1.2.3.4713.156.2.1.$ZONE NAPTR +dnssec
  check "a label too" "$ad" @$UNBOUND nobody.156.2.1.$ZONE NAPTR +dnssec
  check "the absence of a type" "$ad" @$UNBOUND 3088.156.2.1.$ZONE TXT +dnssec
  check "an empty node" "$ad" @$UNBOUND 3.20009.156.2.1.$ZONE NAPTR +dnssec
  check "the unsigned zone is answered" 'flags: qr rd ra;' @$UNBOUND 1.7.20009.156.2.1.$ZONE NAPTR +dnssec
  check "without DO there are no signatures" 'ANSWER: [1-9], AUTHORITY: 0' @$TOP 3088.156.2.1.$ZONE NAPTR +norec
  believe "delv believes a record" 'fully validated' 3088.156.2.1.$ZONE NAPTR
  believe "a record of the zone below" 'fully validated' 1.3.20009.156.2.1.$ZONE NAPTR
  believe "names" 'fully validated' 3088.cn.member-body.iso.$ZONE NAPTR
  believe "the absence of a name" 'negative response, fully validated' 4714.156.2.1.$ZONE NAPTR
  believe "the absence of a type" 'negative response, fully validated' 3088.156.2.1.$ZONE TXT
  believe "a deep name, from the node itself" 'negative response, fully validated' @$TOP 1.2.3.4715.156.2.1.$ZONE NAPTR
  believe "a name that cannot be" 'negative response, fully validated' @$TOP 01.156.2.1.$ZONE NAPTR
  believe "an empty node" 'negative response, fully validated' 3.20009.156.2.1.$ZONE NAPTR
  believe "and knows what is unsigned" 'unsigned answer' 1.7.20009.156.2.1.$ZONE NAPTR
  sed -E 's/(DNSKEY 257 3 13 )..../\1AAAA/; / DS /d' "$work/anchor" >"$work/wrong"
  disbelieve "nothing by a wrong key" 3088.156.2.1.$ZONE NAPTR
  check "long answers are cut on UDP" 'flags:.* tc' @$WORKS 5.2.7.20009.156.2.1.$ZONE NAPTR +ignore +noall +comments
  check "and come by TCP" 'ORS\+x40' @$UNBOUND 5.2.7.20009.156.2.1.$ZONE NAPTR +noall +answer

  check "the recursive node finds identifiers" 'ORS\+UINF.*https://works.example/1' @$RECURSIVE 1.7.20009.156.2.1.$ZONE NAPTR
  check "and says that it recurses" 'flags:.* ra' @$RECURSIVE 1.7.20009.156.2.1.$ZONE NAPTR +noall +comments
  check "and forwards ordinary names" '192\.0\.2\.80' @$RECURSIVE www.plain.example A
  check "over TCP as well" '192\.0\.2\.80' @$RECURSIVE www.plain.example A +tcp
  say ""
  [ "$failures" -eq 0 ] || { say "FAIL: $failures checks failed"; exit 1; }
  say "all checks passed"
}

# delegate PREFIX PARENT PARENT-ADDRESS PARENT-PREFIX CHILD CHILD-ADDRESS: the child is homed on the prefix already.
delegate() {
  "$hufu" delegate "$1" --derived \
    --parent "$3:2641" --parent-identity "301:0.NA/${4^^}" --parent-secret-file "$work/$2/admin-secret" \
    --child "$6:2641" --child-identity "301:0.NA/${1^^}" --child-secret-file "$work/$5/admin-secret" \
    || { say "FAIL: $1 is not delegated"; exit 1; }
}

main
