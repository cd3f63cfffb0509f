/*
 * Writes all of its memory over and over, as fast as it can: what a live checkpoint has to keep apart from.
 * Build: gcc -O2 -static -o writer writer.c      Run: writer MEGABYTES
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  size_t bytes = (size_t)atoi(argc > 1 ? argv[1] : "64") << 20;
  uint8_t *memory = malloc(bytes);
  for (size_t i = 0; i < bytes; i += 8) *(volatile uint64_t *)(memory + i) = i * 0x9e3779b97f4a7c15u;
  puts("ready");
  fflush(stdout);
  for (uint64_t round = 1;; round++) {
    for (size_t i = 0; i < bytes; i += 4096) *(volatile uint64_t *)(memory + i) = round;
  }
}
