#!/bin/sh
# build.sh OUTDIR: builds the guest's vDSO image. Called by the native build above.
set -e
src=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR}
if [ -e "$out/vdso.so" ] && [ -z "$(find "$src" -type f -newer "$out/vdso.so" | head -1)" ]; then exit 0; fi
gcc -O2 -Wall -Wextra -Werror -std=gnu11 -ffreestanding -fno-builtin -fPIC -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-jump-tables \
    -mgeneral-regs-only -shared -nostdlib -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--build-id=none \
    -Wl,-Bsymbolic -Wl,-T,"$src/vdso.ld" -o "$out/vdso.so.new" "$src/vdso.c"
mv "$out/vdso.so.new" "$out/vdso.so"
