#!/usr/bin/env bash
# Drives the HTTP side of a node with curl: the Handle JSON API, the proxy and the public gateway.
#
#   scenarios/http.sh --node http://127.0.0.1:8000 --prefix 88.118.8 --admin 301:0.NA/88.118.8 --secret SECRET \
#       [--gateway http://127.0.0.1:8001] [--sample 88.118.8/ABC]…
#
# Prints `ok <check>` or `FAIL <check>: <what came instead>`; exit status 1 when a check failed.
# Writes go over TLS on the same port: on plain HTTP a node looks at no credential.
set -uo pipefail

node='' gateway='' prefix='' admin='' secret='' samples=()
while [ $# -gt 1 ]; do
  case $1 in
    --node) node=${2%/} ;;
    --gateway) gateway=${2%/} ;;
    --prefix) prefix=$2 ;;
    --admin) admin=$2 ;;
    --secret) secret=$2 ;;
    --sample) samples+=("$2") ;;
    *) echo "bad argument: $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ -n "$node" ] && [ -n "$prefix" ] && [ -n "$admin" ] && [ -n "$secret" ] || { sed -n '2,6p' "$0" >&2; exit 2; }

failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The colon of `index:handle` must be percent-encoded in the user name of Basic authentication.
user=${admin%%:*}%3A${admin#*:}
auth=(--user "$user:$secret")
json=(--header 'Content-Type: application/json')

secure=${node/#http:/https:}
curl --silent --insecure --noproxy '*' --max-time 10 --output /dev/null "$secure/api/site" || secure=$node

# check NAME METHOD URL STATUS EXPRESSION [curl options…]
# The expression is Python over: j (JSON body or None), t (body text), h (headers, names in lower case).
check() {
  local name=$1 method=$2 url=$3 status=$4 expression=$5
  shift 5
  local how=(--request "$method")
  [ "$method" != HEAD ] || how=(--head)
  local got
  got=$(curl --silent --insecure --noproxy '*' --max-time 20 --path-as-is --globoff "${how[@]}" \
    --dump-header "$work/head" --output "$work/body" --write-out '%{http_code}' "$@" "$url") || got="no answer"
  [ "$method" != HEAD ] || : >"$work/body"
  if verdict=$(python3 - "$work" "$got" "$status" "$expression" 2>&1 <<'PY'
import json, re, sys

work, got, wanted, expression = sys.argv[1:]
t = open(work + "/body", "rb").read().decode("utf-8", "replace") if got != "no answer" else ""
lines = open(work + "/head", "rb").read().decode("latin-1").split("\r\n") if got != "no answer" else []
h = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if ":" in line)}
try:
    j = json.loads(t)
except ValueError:
    j = None
scope = {"j": j, "t": t, "h": h, "re": re, "json": json}
try:
    fits = got in wanted.split("|") and bool(eval(f"({expression})", scope))
except Exception as error:
    fits, expression = False, f"{expression} ({error!r})"
if not fits:
    print(f"wanted {wanted} and {expression}, got {got} {dict(list(h.items())[:8])} {t[:300]!r}")
    sys.exit(1)
PY
  ); then
    printf 'ok %s\n' "$name"
  else
    failed=$((failed + 1))
    printf 'FAIL %s: %s\n' "$name" "$(tr '\n' ' ' <<<"$verdict")"
  fi
}

# code N: the answer is JSON of the Handle API with that response code.
code() { printf 'j["responseCode"] == %s and h["content-type"] == "application/json;charset=utf-8"' "$1"; }

admin_value() {
  printf '{"index":100,"type":"HS_ADMIN","data":{"format":"admin","value":{"handle":"%s","index":%s,"permissions":"011111111111"}}}' \
    "${admin#*:}" "${admin%%:*}"
}
text_value() { printf '{"index":%s,"type":"%s","data":{"format":"string","value":"%s"}}' "$@"; }

# put NAME HANDLE STATUS CODE VALUES [query]: writes a record with our administrator.
put() {
  check "$1" PUT "$secure/api/handles/$prefix/$2${6:-}" "$3" "$(code "$4")" "${auth[@]}" "${json[@]}" --data "{\"values\":[$5]}"
}

probe=$node/api/handles/$prefix/http-probe
written=$secure/api/handles/$prefix/http-probe
names=(http-probe http-alias http-loc http-script http-split 'http-%E4%B8%AD%E6%96%87%20a:b')

remove_all() {
  local name
  for name in "${names[@]}"; do
    curl --silent --insecure --noproxy '*' --max-time 20 --output /dev/null "${auth[@]}" --request DELETE \
      "$secure/api/handles/$prefix/$name"
  done
}

# ------------------------------------------------------------------ Handle JSON API: writing

writing() {
  local url; url=$(text_value 1 URL https://example.org/one)
  check missing GET "$probe" 404 "$(code 100) and list(j) == ['responseCode', 'handle'] and j['handle'] == '$prefix/http-probe'"
  check put-anonymous PUT "$written" "401|403" "$(code 402) and ('www-authenticate' not in h or
    'Basic realm=\"handle\"' in h['www-authenticate'] and 'Handle sessionId=' in h['www-authenticate'])" "${json[@]}" --data "[$url]"
  check put-wrong-secret PUT "$written" 401 "t == '' and 'Identity not verified' in h['www-authenticate']" \
    --user "$user:not-$secret" "${json[@]}" --data "[$url]"
  put put-create http-probe 201 1 "$url,$(admin_value)" '?overwrite=false'
  put put-exists http-probe 409 101 "$url,$(admin_value)" '?overwrite=false'
  put put-replace http-probe 200 1 "$(text_value 3 NOTE x),$url,$(admin_value)"
  put put-index-new http-probe 201 1 "$(text_value 5 EMAIL x@example.org)" '?index=5'
  put put-index-exists http-probe 409 201 "$(text_value 5 EMAIL y@example.org)" '?index=5&overwrite=false'
  put put-index-again http-probe 200 1 "$(text_value 5 EMAIL y@example.org)" '?index=5'
  put put-index-mismatch http-probe 400 4 "$(text_value 5 EMAIL x)" '?index=6'
  put put-index-various http-probe '200|201' 1 "$(text_value 7 A a),$(text_value 6 B b)" '?index=various'
  put put-private http-probe 201 1 '{"index":9,"type":"NOTE","data":"hidden","permissions":"1100"}' '?index=9'
  put put-array-as-data http-probe 400 4 '{"index":8,"type":"A","data":["x"]}' '?index=8'
  check put-elsewhere PUT "$secure/api/handles/20.TEST-ELSEWHERE/x" 400 "$(code 301)" "${auth[@]}" "${json[@]}" --data "[$url]"
  check put-bad-json PUT "$written" 400 "$(code 4) and 'message' in j" "${auth[@]}" "${json[@]}" --data '{oops'
  check put-bad-type PUT "$written" 400 "$(code 4)" "${auth[@]}" --header 'Content-Type: text/plain' --data "[$url]"
  put put-unicode 'http-%E4%B8%AD%E6%96%87%20a:b' 201 1 "$url,$(admin_value)"
}

# ------------------------------------------------------------------ Handle JSON API: reading

reading() {
  check get GET "$probe" 200 "$(code 1) and [v['index'] for v in j['values']] == [1, 3, 5, 6, 7, 100]"
  check get-value-form GET "$probe?index=1" 200 "$(code 1) and list(j['values'][0]) == ['index', 'type', 'data', 'ttl', 'timestamp'] and
    j['values'][0]['data'] == {'format': 'string', 'value': 'https://example.org/one'} and j['values'][0]['ttl'] == 86400 and
    re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', j['values'][0]['timestamp'])"
  check get-compact GET "$probe?index=1" 200 "t == json.dumps(j, separators=(',', ':'), ensure_ascii=False)"
  check get-pretty GET "$probe?pretty" 200 "$(code 1) and '\n  \"responseCode\": 1' in t"
  check get-echo GET "$node/api/handles/$prefix/Http-PROBE" 200 "$(code 1) and j['handle'] == '$prefix/Http-PROBE'"
  check get-type GET "$probe?type=email&index=100" 200 "[v['index'] for v in j['values']] == [5, 100]"
  check get-admin-form GET "$probe?index=100" 200 "j['values'][0]['data']['value'] == {'handle': '${admin#*:}', 'index': ${admin%%:*}, 'permissions': '011111111111'}"
  check get-nothing-selected GET "$probe?type=NO-SUCH-TYPE" 200 "$(code 200) and j['values'] == []"
  check get-bad-index GET "$probe?index=abc" 400 "$(code 4) and 'message' in j"
  check get-empty-name GET "$node/api/handles/" 400 "$(code 102)"
  check get-elsewhere GET "$node/api/handles/20.TEST-ELSEWHERE/x" 400 "$(code 301)"
  check get-unknown-endpoint GET "$node/api/nothing" 404 "$(code 4)"
  check get-callback GET "$probe?callback=cb.x&index=1" 200 "t.startswith('cb_x({') and t.rstrip().endswith('});') and h['content-type'] == 'application/javascript;charset=utf-8'"
  check get-unicode GET "$node/api/handles/$prefix/http-%E4%B8%AD%E6%96%87%20a:b" 200 "$(code 1) and j['handle'] == '$prefix/http-中文 a:b'"
  check get-private-anonymous GET "${written}?publicOnly=false" "401|403" "$(code 402)"
  check get-private GET "$written" 200 "$(code 1) and [v['permissions'] for v in j['values'] if v['index'] == 9] == ['1100']" "${auth[@]}"
  check get-cors GET "$probe" 200 "h['access-control-allow-origin'] == 'https://app.example'" --header 'Origin: https://app.example'
  check post-like-get POST "$probe" 200 "$(code 1) and [v['index'] for v in j['values']] == [1]" "${json[@]}" --data '{"index":1}'
  check head HEAD "$probe" 200 "h['content-type'] == 'application/json;charset=utf-8'"
  check options OPTIONS "$probe" 200 "True"
  check patch PATCH "$probe" 501 "$(code 4)" "${json[@]}" --data '[]'
  check list-anonymous GET "$secure/api/handles?prefix=$prefix" "401|403" "$(code 402)"
  check list GET "$secure/api/handles?prefix=$prefix" 200 "$(code 1) and j['totalCount'] == str(len(j['handles'])) and
    '$prefix/HTTP-PROBE'.upper() in [name.upper() for name in j['handles']]" "${auth[@]}"
  check list-page GET "$secure/api/handles?prefix=$prefix&page=0&pageSize=2" 200 "j['page'] == 0 and j['pageSize'] == 2 and len(j['handles']) == 2" "${auth[@]}"
  check site GET "$node/api/site" 200 "$(code 1) and any(i['protocol'] == 'TCP' for i in j['site']['servers'][0]['interfaces'])"
}

# ------------------------------------------------------------------ the proxy

proxy() {
  local page=$node/$prefix/http-probe html="h['content-type'].lower().startswith('text/html')"
  check proxy-redirect GET "$page" 302 "h['location'] == 'https://example.org/one' and 'expires' in h and $html"
  check proxy-head HEAD "$page" 302 "h['location'] == 'https://example.org/one'"
  check proxy-accept-json GET "$page" 302 "h['location'] == 'https://example.org/one'" --header 'Accept: application/json'
  check proxy-prefix-hdl GET "$node/hdl:$prefix/http-probe" 302 "h['location'] == 'https://example.org/one'"
  check proxy-urlappend GET "$page?urlappend=%3Fa%3Db" 302 "h['location'] == 'https://example.org/one?a=b'"
  check proxy-noredirect GET "$page?noredirect" 200 "$html and 'https://example.org/one' in t"
  check proxy-showurls GET "$page?action=showurls" 200 "'xml' in h['content-type'] and 'https://example.org/one' in t"
  check proxy-no-such-type GET "$page?type=NO-SUCH-TYPE" 200 "$html"
  check proxy-missing GET "$node/$prefix/http-absent" 404 "$html"
  check proxy-start-page GET "$node/" 200 "$html"

  put put-alias http-alias 201 1 "$(text_value 1 HS_ALIAS "$prefix/http-probe"),$(admin_value)"
  check proxy-alias GET "$node/$prefix/http-alias?noredirect" 301 "h['location'].endswith('/$prefix/http-probe?noredirect')"
  check proxy-ignore-aliases GET "$node/$prefix/http-alias?ignore_aliases" 200 "$html"

  local locations='<locations chooseby=\"locatt,country,weighted\"><location id=\"0\" href=\"https://a.example/\" weight=\"1\"/><location id=\"1\" href=\"https://b.example/\" weight=\"0\"/></locations>'
  put put-locations http-loc 201 1 "$(text_value 1 URL https://fallback.example/),$(text_value 2 10320/LOC "$locations"),$(admin_value)"
  check proxy-locatt GET "$node/$prefix/http-loc?locatt=id:1" 302 "h['location'] == 'https://b.example/'"
  check proxy-weighted GET "$node/$prefix/http-loc" 302 "h['location'] == 'https://a.example/'"

  put put-script http-script 201 1 "$(text_value 1 URL 'javascript:alert(1)'),$(text_value 2 DESC '<script>alert(2)</script>'),$(admin_value)"
  check proxy-no-script-redirect GET "$node/$prefix/http-script" 200 "'location' not in h and '<script>alert(2)' not in t"
  check proxy-escapes-query GET "$node/$prefix/http-absent?x=%3Cscript%3Ealert(3)" 404 "'<script>alert(3)' not in t"
  put put-split http-split 201 1 "$(text_value 1 URL 'https://example.org/\r\nX-Injected: 1'),$(admin_value)"
  check proxy-no-header-injection GET "$node/$prefix/http-split" "200|302|400" "'x-injected' not in h"
}

# ------------------------------------------------------------------ the public gateway

escaped() { python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$1"; }

through_gateway() {
  local name shape="isinstance(j['value'], list) and 'values' not in j and j['value'] and
    all(isinstance(v['adminRead'], int) and isinstance(v['publicRead'], int) for v in j['value'])"
  for name in ${samples[@]+"${samples[@]}"}; do
    check "gateway $name" GET "$gateway/$(escaped "$name")?format=gateway" 200 "j['responseCode'] == 1 and j['handle'] == '$name' and $shape"
  done
  name=${samples[0]:-$prefix/http-probe}
  check gateway-default-shape GET "$gateway/$(escaped "$name")" 200 "j['responseCode'] == 1 and $shape"
  check gateway-handle-shape GET "$gateway/$(escaped "$name")?format=handle" 200 "j['responseCode'] == 1 and isinstance(j['values'], list) and 'value' not in j"
  check gateway-api GET "$gateway/api/handles/$(escaped "$name")" 200 "$(code 1) and j['handle'] == '$name'"
  check gateway-prefix GET "$gateway/$prefix?format=gateway" 200 "j['responseCode'] == 1"
  check gateway-missing GET "$gateway/$prefix/http-absent?format=gateway" "200|404" "j['responseCode'] == 100"
  check gateway-unknown-format GET "$gateway/$(escaped "$name")?format=no-such-format" 400 "True"
  bad_input gateway "$gateway"
}

# bad_input NAME URL: whatever is asked, the answer is a refusal, never a fault.
bad_input() {
  local long; long=$(printf 'x%.0s' $(seq 5000))
  check "$1-bad-utf8" GET "$2/api/handles/$prefix/%ff%fe" "400|404" "j['responseCode'] in (100, 102, 4)"
  check "$1-bad-escape" GET "$2/api/handles/$prefix/%zz" "400|404" "True"
  check "$1-nul" GET "$2/api/handles/$prefix/%00" "400|404" "True"
  check "$1-too-long" GET "$2/api/handles/$prefix/$long" "400|404|414" "True"
  check "$1-dots" GET "$2/..%2f..%2fetc/passwd" "400|404" "'root:' not in t"
  check "$1-raw-dots" GET "$2/../../etc/passwd" "400|404" "'root:' not in t"
}

# ------------------------------------------------------------------ removing

removing() {
  check delete-anonymous DELETE "$written" "401|403" "$(code 402)"
  check delete-value DELETE "$written?index=5" 200 "$(code 1)" "${auth[@]}"
  check delete-value-missing DELETE "$written?index=5" 400 "$(code 200)" "${auth[@]}"
  check delete DELETE "$written" 200 "$(code 1)" "${auth[@]}"
  check delete-missing DELETE "$written" 404 "$(code 100)" "${auth[@]}"
}

remove_all
writing
reading
proxy
bad_input node "$node"
[ -z "$gateway" ] || through_gateway
removing
remove_all
[ "$failed" -eq 0 ]
