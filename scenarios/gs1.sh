#!/usr/bin/env bash
# GS1 Digital Links as an ordinary client meets them: curl at three doors of the country – the node that owns the data,
# its parent, which refers, and the recursive node, which answers for both – and `hufu conformance gs1`.
#
#   scenarios/gs1.sh --hufu HUFU --owner URL --parent URL --recursive URL
#
# The published linkset schema is looked for in the folder that HUFU_SHARED names, else beside the workspace; without
# it, or without jsonschema in .venv, linksets are not held against it, and a line says so.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

hufu='' owner='' parent='' recursive=''
while [ $# -gt 1 ]; do
  case $1 in
    --hufu) hufu=$2 ;;
    --owner) owner=${2%/} ;;
    --parent) parent=${2%/} ;;
    --recursive) recursive=${2%/} ;;
    *) echo "bad argument: $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ -n "$hufu" ] && [ -n "$owner" ] && [ -n "$parent" ] && [ -n "$recursive" ] || { sed -n '5p' "$0" >&2; exit 2; }

# The engine maker's sample model and one of its engines.
readonly MODEL=01/09521321000018 SERIAL=01/09521321000018/21/JXDY2106023
readonly PAGE='88.118.8/JX172MM?noredirect' TRACE='88.118.8/JXDY2106023?noredirect'
# The other published schema knows RFC 9264 alone and refuses the description that this one has.
readonly SCHEMA=${HUFU_SHARED:-../shared}/vectors/gs1/linkset/gs1-linkset-schema.json

failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zh=(--header 'Accept-Language: zh-CN,zh;q=0.9,en;q=0.2')
en=(--header 'Accept-Language: de;q=0.5, en-GB;q=0.4')

fetch() { curl --silent --insecure --noproxy '*' --max-time 20 --path-as-is --globoff "$@"; }
secure() { printf '%s' "${1/#http:/https:}"; }

# verdict NAME WANTED GOT
verdict() {
  if [ "$2" = "$3" ]; then printf 'ok %s\n' "$1"; else failed=$((failed + 1)); printf 'FAIL %s: %s instead of %s\n' "$@"; fi
}

# leads NAME URL TARGET [curl options…]: a redirect with 307 to just that target.
leads() {
  local name=$1 url=$2 target=$3
  shift 3
  verdict "$name" "307 $target" "$(fetch --output /dev/null --write-out '%{http_code} %{redirect_url}' "$@" "$url")"
}

# says NAME URL STATUS MEDIA-TYPE EXPRESSION [curl options…]: EXPRESSION is Python over j, the JSON of the body.
says() {
  local name=$1 url=$2 wanted="$3 $4" expression=$5 got
  shift 5
  got=$(fetch --output "$work/body" --write-out '%{http_code} %{content_type}' "$@" "$url")
  [ "$got" = "$wanted" ] && got=$(python3 - "$work/body" "$expression" 2>&1 <<'PY'
import json, sys

j = json.load(open(sys.argv[1]))
print("fits" if eval(sys.argv[2], {"j": j}) else f"not {sys.argv[2]}: {json.dumps(j, ensure_ascii=False)[:400]}")
PY
  )
  verdict "$name" fits "$got"
}

# valid NAME URL: its linkset is valid by the published schema.
valid() {
  fetch --output "$work/linkset" --header 'Accept: application/linkset+json' "$2"
  verdict "$1" valid "$(.venv/bin/python - "$SCHEMA" "$work/linkset" 2>&1 <<'PY'
import json, jsonschema, sys

schema, linkset = (json.load(open(path)) for path in sys.argv[1:])
check = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
errors = [f"{list(error.path)}: {error.message[:200]}" for error in check.iter_errors(linkset)]
print("; ".join(errors) if errors else "valid" if linkset["linkset"] else "empty")
PY
  )"
}

# ------------------------------------------------------------------ redirects

for door in owner recursive; do
  at=${!door}
  leads "$door: the model" "$at/$MODEL" "$owner/$PAGE&lang=zh"
  leads "$door: the model in English" "$at/$MODEL" "$owner/$PAGE&lang=en" "${en[@]}"
  leads "$door: the model in Chinese" "$at/$MODEL" "$owner/$PAGE&lang=zh" "${zh[@]}"
  leads "$door: a trailing slash" "$at/$MODEL/" "$owner/$PAGE&lang=zh"
  leads "$door: one engine" "$at/$SERIAL" "$owner/$TRACE"
  leads "$door: an unknown serial number" "$at/$MODEL/21/OTHER" "$owner/$PAGE&lang=zh"
  leads "$door: a type from the level above" "$at/$SERIAL?linkType=gs1:instructions" \
    "$owner/$PAGE&lang=zh&linkType=gs1:instructions#manual"
  leads "$door: the query goes along" "$at/$MODEL?a=b&c" "$owner/$PAGE&lang=zh&a=b&c"
  leads "$door: a path in front" "$at/shop/$MODEL" "$owner/$PAGE&lang=zh"
done
leads "the parent refers" "$parent/$SERIAL?a=b" "$owner/$SERIAL?a=b"
verdict "from the parent to the page" "200" \
  "$(fetch --location --output /dev/null --write-out '%{http_code}' "$parent/$SERIAL" --header 'Accept: text/html')"

# ------------------------------------------------------------------ compressed

short=$(fetch "$owner/$SERIAL?compress=true" | python3 -c 'import json, sys; print(json.load(sys.stdin)["COMPRESSED_LINK"])')
leads "a compressed link" "$recursive$short" "$owner/$TRACE"
leads "the parent refers it in its long form" "$parent$short" "$owner/$SERIAL"
printed=$("$hufu" parse "$recursive$short" --output json | grep -c 01/09521321000018/21/JXDY2106023)
verdict "the command line reads it" 1 "$([ "$printed" -ge 1 ] && echo 1)"

# ------------------------------------------------------------------ linksets

linkset='application/linkset+json'
levels="[level['anchor'] for level in j['linkset']] == ['$recursive/$SERIAL', '$recursive/$MODEL']"
says "a linkset by Accept" "$recursive/$SERIAL" 200 $linkset "$levels" --header "Accept: $linkset"
says "a linkset by linkType" "$recursive/$SERIAL?linkType=linkset" 200 $linkset "$levels"
says "one default link" "$owner/$SERIAL?linkType=all" 200 $linkset \
  "[len(level.get('https://ref.gs1.org/voc/defaultLink', [])) for level in j['linkset']] == [1, 0]"
# By HTTP/2 the host stands beside the headers.
says "the host by HTTP/2" "$(secure "$owner")/$MODEL" 200 $linkset \
  "j['linkset'][0]['anchor'] == '$(secure "$owner")/$MODEL'" --http2 --header "Accept: $linkset"
if [ -f "$SCHEMA" ] && .venv/bin/python -c 'import jsonschema' 2>/dev/null; then
  for name in $MODEL $SERIAL; do
    valid "the linkset of $name is valid" "$recursive/$name"
  done
else
  echo "skipped: the linkset schema or jsonschema is not here"
fi

# ------------------------------------------------------------------ the rest

says "the description file" "$recursive/.well-known/gs1resolver" 200 application/json \
  "j['resolverRoot'] == '$recursive' and j['supportedPrimaryKeys'] == ['all'] and j['contact']['fn']"
problem='application/problem+json'
says "a wrong check digit" "$recursive/01/09521321000019" 400 $problem "j['code'] == 'incorrect-check-digit'"
says "no data set" "$recursive/$MODEL/foo" 400 $problem "j['status'] == 400"
says "an unknown product" "$recursive/01/09521321000025" 404 $problem "j['code'] == 'unknown-identifier'"
says "a prefix of nobody" "$recursive/01/06901234567892" 404 $problem "j['code'] == 'not-responsible'"
says "an unknown link type" "$recursive/$MODEL?linkType=gs1:recipeInfo" 404 $problem "j['code'] == 'no-such-link'"
says "in the asker's language" "$recursive/01/09521321000025" 404 $problem "'没有' in j['detail']" "${zh[@]}"
verdict "other methods" 405 "$(fetch --request DELETE --output /dev/null --write-out '%{http_code}' "$recursive/$MODEL")"

for door in owner recursive; do
  at=$(secure "${!door}")
  "$hufu" conformance gs1 "$at/$SERIAL" --insecure >"$work/conformance" 2>&1
  verdict "$door: every check of a conformant resolver" '0 26 passed, 0 failed, 0 warned' "$? $(tail -n 1 "$work/conformance")"
done

[ "$failed" -eq 0 ] || { echo "FAIL $failed checks failed"; exit 1; }
echo "all checks passed"
