#!/bin/bash
# train.sh DIST JAVA_HOME: makes the AOT caches of an installation by running each kind of process once. A machine that can not (no root, no namespaces) gets none: everything
# works without them, slower.
dist=$1 home=$2
top=$(cd "$(dirname "$0")/../../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { THAW_DIST=$dist THAW_TRAIN=$1 "$top/bin/runsc" --root "$work/state" "${@:2}" </dev/null >"$work/out" 2>&1; }
if ! run children do /bin/sh -c 'i=0; while [ $i -lt 3 ]; do (echo $i | cat); i=$((i+1)); done; ls -l / >/dev/null'; then
    sed 's/^/train: /' "$work/out" >&2
    rm -f "$dist"/aot/*
    exit 0
fi
run cli do /bin/true
chmod 644 "$dist"/aot/*.aot 2>/dev/null
ls -l "$dist/aot" >&2
