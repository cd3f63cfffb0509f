/*
 * Pure computing: scalar and vector floating point and integers, no system call between "ready" and the result, which must be the same to the bit however often the
 * guest was frozen in between. Build: gcc -O2 -mavx2 -mfma -static -o compute compute.c      Run: compute MILLIONS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double v4d __attribute__((vector_size(32)));
typedef uint64_t v4u __attribute__((vector_size(32)));

int main(int argc, char **argv) {
  long rounds = (argc > 1 ? atol(argv[1]) : 100) * 1000000;
  v4d x = {0.1, 0.2, 0.3, 0.4}, y = {1.5, 2.5, 3.5, 4.5};
  v4u h = {1, 2, 3, 4};
  double s = 0.5;
  long double e = 1.0L;
  uint64_t g = 88172645463325252u;
  puts("ready");
  fflush(stdout);
  for (long i = 0; i < rounds; i++) {
    x = x * y + 1e-3;
    x = x - (v4d){(double)(int64_t)x[0], (double)(int64_t)x[1], (double)(int64_t)x[2], (double)(int64_t)x[3]};
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u + 1;
    s = s * 3.9 * (1.0 - s);
    if ((i & 1023) == 0) e = e * 1.0000001L + s;
    g ^= g << 13, g ^= g >> 7, g ^= g << 17;
  }
  uint64_t bits[4], sb;
  memcpy(bits, &x, sizeof bits);
  memcpy(&sb, &s, sizeof sb);
  printf("%016lx %016lx %016lx %016lx %016lx %016lx %.18Lg %016lx\n", bits[0], bits[1], bits[2], bits[3], h[0] ^ h[1] ^ h[2] ^ h[3], sb, e, g);
  return 0;
}
