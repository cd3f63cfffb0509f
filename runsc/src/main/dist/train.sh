#!/bin/bash
# train.sh DIST JAVA_HOME: makes the AOT caches of an installation by running each kind of process once. A machine that can not (no root, no namespaces) gets none: everything
# works without them, slower.
dist=$1 home=$2
top=$(cd "$(dirname "$0")/../../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { THAW_DIST=$dist THAW_TRAIN=$1 timeout -k 5 120 "$top/bin/runsc" --root "$work/state" "${@:2}" </dev/null >>"$work/out" 2>&1; }
give_up() {
    sed 's/^/train: /' "$work/out" >&2
    rm -f "$dist"/aot/*
    exit 0
}
rm -f "$dist"/aot/*
# One life of a sandbox: a shell with pipes and children, one more process, a checkpoint at the end of it.
mkdir -p "$work/bundle"
cat >"$work/bundle/config.json" <<'JSON'
{"ociVersion": "1.2.0", "root": {"path": "/", "readonly": false}, "hostname": "train",
 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/usr/bin:/bin"],
  "args": ["/bin/sh", "-c", "i=0; while [ $i -lt 3 ]; do (echo $i | cat); i=$((i+1)); done; ls -l / >/tmp/ls; dd if=/dev/zero bs=100 count=100000 2>/tmp/e | dd of=/tmp/x bs=100 2>/tmp/e; dd if=/tmp/x bs=4096 of=/dev/null 2>/tmp/e; i=0; while [ $i -lt 10000 ]; do : </etc/passwd; i=$((i+1)); done; i=0; while [ $i -lt 50 ]; do (:); i=$((i+1)); done; echo up; while :; do sleep 1; done"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}, {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]}
JSON
run children run --detach --bundle "$work/bundle" train || give_up
for _ in $(seq 300); do
    grep -q up "$work/out" && break
    sleep 0.1
done
run none exec train /bin/sh -c 'ls /proc/self; cat /proc/self/maps' || give_up
run none checkpoint --image-path "$work/image" train || give_up
for _ in $(seq 600); do
    [ -s "$dist/aot/gofer.aot" ] && [ -s "$dist/aot/boot.aot" ] && run none list --quiet && run none delete train && break
    sleep 0.2
done
run cli do /bin/true || give_up
chmod 644 "$dist"/aot/*.aot
rm -f "$dist"/aot/*.config
