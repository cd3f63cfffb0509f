#!/bin/sh
# build.sh OUTDIR: builds the stub and libthaw.so with gcc. Idempotent: does nothing when the results are newer than the sources.
set -e
src=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR}
mkdir -p "$out"
newer() { [ -e "$1" ] && [ -z "$(find "$src" -type f -newer "$1" | head -1)" ]; }
flags="-O2 -Wall -Wextra -Werror -std=gnu11 -fno-asynchronous-unwind-tables -fcf-protection=none"
stub="$flags -ffreestanding -fPIE -fvisibility=hidden -mgeneral-regs-only -mfsgsbase -fno-stack-protector -fno-tree-loop-distribute-patterns -fno-strict-aliasing"
if ! newer "$out/thaw-stub"; then
    tmp=$(mktemp -d "$out/build.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    gcc -c -I"$src" -o "$tmp/entry.o" "$src/entry.S"
    gcc $stub -I"$src" -c -o "$tmp/stub.o" "$src/stub.c"
    (cd "$tmp" && ld -static -nostdlib -z noexecstack -T "$src/stub.ld" -o thaw-stub entry.o stub.o)
    mv "$tmp/thaw-stub" "$out/thaw-stub"
fi
if ! newer "$out/libthaw.so"; then
    jdk=$("$src/../../../../bin/find-jdk")/include
    gcc $flags -shared -fPIC -I"$src" -I"$jdk" -I"$jdk/linux" -o "$out/libthaw.so.new" "$src/jni.c" "$src/thaw.c" "$src/tsc.c" "$src/sha256.c" "$src/aes.c"
    mv "$out/libthaw.so.new" "$out/libthaw.so"
fi
if ! newer "$out/thaw-launch"; then
    gcc -O2 -Wall -Wextra -Werror -std=gnu11 -o "$out/thaw-launch.new" "$src/thaw-launch.c"
    mv "$out/thaw-launch.new" "$out/thaw-launch"
fi
for extra in "$src"/*/build.sh; do
    if [ -e "$extra" ]; then "$extra" "$out"; fi
done
