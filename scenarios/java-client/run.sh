#!/bin/sh
# Drives a node with the reference client library, net.handle:handle-client 9.3.1 from Maven Central.
#
#   scenarios/java-client/run.sh --tcp 127.0.0.1:2641 --udp 127.0.0.1:2641 --http 127.0.0.1:8000 \
#       --prefix 88.118.8 --admin 301:0.NA/88.118.8 --secret SECRET \
#       [--handle 88.118.8/ABC]… [--far 86.100.1/XYZ]… [--root 127.0.0.1:2641] [--recursive 127.0.0.1:2641] \
#       [--without session,https] [--trace]
#
# `--far` handles live elsewhere: they are asked for over the root and at the recursive node only.
# Builds into target/scenarios/java-client/ when the source is newer. `--build-only` stops there.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=$(CDPATH='' cd -- "$here/../.." && pwd)/target/scenarios/java-client
jar=$out/hufu-peer.jar

if [ ! -f "$jar" ] || [ -n "$(find "$here/pom.xml" "$here/src" -newer "$jar")" ]; then
    mvn -q -B -f "$here/pom.xml" -Dhufu.target="$out" package
fi
[ "${1:-}" != --build-only ] || exit 0

# The library keeps its settings below the home directory: give it an empty one.
mkdir -p "$out/home"
exec java -Duser.home="$out/home" -cp "$jar:$out/lib/*" HufuPeer "$@"
