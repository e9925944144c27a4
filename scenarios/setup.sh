#!/usr/bin/env bash
# Installs what the scenarios need and this machine does not have yet; a second run does nothing.
# Meant for Debian 12 with Rust. Uses apt-get only for what is missing, as root or through sudo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYHANDLE=1.5.0 ZXING=3.1.1 PILLOW=13.0.0 JSONSCHEMA=4.26.0 SCHEMATHESIS=4.32.5 AIOSMTPD=1.4.6
# `build` installs only what compiling needs; without it, what the tests need too.
readonly purpose=${1:-test}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    fail "this needs root, and there is no sudo: $*"
  fi
}

# One line per tool: what it is for stands with it.
missing_packages() {
  have cc || echo build-essential # Rust links with it, and some crates (`ring`) contain C
  [ "$purpose" != build ] || return 0
  have curl || echo curl # stories that speak HTTP from outside
  # `ensurepip` is what Debian leaves out of python3 and puts into python3-venv.
  python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || echo python3 python3-venv
  have chromium || [ -n "${CHROMIUM:-}" ] || echo chromium # the public pages are looked at with a real browser
  have npm || echo npm nodejs
  have pdftoppm || echo poppler-utils # printed sheets are looked at as pictures
  have rsvg-convert || echo librsvg2-bin # so are SVG labels
  have dig || echo bind9-dnsutils # DNS is asked with the usual tool
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || echo postgresql # the registry is tested on it
  have unbound || echo unbound # and walked by a resolver that we did not write
  if [ -d scenarios/java-client ]; then
    have javac || echo default-jdk-headless # the client of the installed base is in Java
    have mvn || echo maven
  fi
}

install_packages() {
  local packages
  read -r -a packages <<<"$(missing_packages | tr '\n' ' ')"
  if [ "${#packages[@]}" -eq 0 ]; then
    say "system packages: all here"
    return
  fi
  have apt-get || fail "please install what these Debian packages contain: ${packages[*]}"
  say "system packages: apt-get installs ${packages[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

install_rust_components() {
  have cargo || fail "there is no cargo; see https://rustup.rs"
  local component
  for component in rustfmt:fmt clippy:clippy; do
    cargo "${component#*:}" --version >/dev/null 2>&1 && continue
    have rustup || fail "cargo ${component#*:} is missing; install the Rust component ${component%:*}"
    say "Rust: rustup adds ${component%:*}"
    rustup component add "${component%:*}"
  done
}

python_ready() {
  .venv/bin/python - <<PY >/dev/null 2>&1
from importlib.metadata import version
import jsonschema, pyhandle, zxingcpp, PIL
assert version("pyhandle") == "$PYHANDLE"
assert version("zxing-cpp") == "$ZXING"
assert version("pillow") == "$PILLOW"
assert version("jsonschema") == "$JSONSCHEMA"
assert version("schemathesis") == "$SCHEMATHESIS"
assert version("aiosmtpd") == "$AIOSMTPD"
PY
}

install_python() {
  if python_ready; then
    say "Python: .venv has pyhandle $PYHANDLE, zxing-cpp $ZXING, pillow $PILLOW, jsonschema $JSONSCHEMA, schemathesis $SCHEMATHESIS and aiosmtpd $AIOSMTPD"
    return
  fi
  say "Python: pip installs pyhandle $PYHANDLE, zxing-cpp $ZXING, pillow $PILLOW, jsonschema $JSONSCHEMA, schemathesis $SCHEMATHESIS and aiosmtpd $AIOSMTPD into .venv"
  python3 -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    "pyhandle==$PYHANDLE" "zxing-cpp==$ZXING" "pillow==$PILLOW" "jsonschema==$JSONSCHEMA" "schemathesis==$SCHEMATHESIS" "aiosmtpd==$AIOSMTPD"
  python_ready || fail "what was installed does not import"
}

install_packages
install_rust_components
install_python
say "done"
