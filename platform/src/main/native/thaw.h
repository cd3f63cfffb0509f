/* What libthaw.so is made of: thaw.c, tsc.c, sha256.c, aes.c; jni.c shows it to Java. */
#ifndef THAW_H
#define THAW_H

#include <stddef.h>
#include <stdint.h>

long thaw_switch(char *ctx, int order, long budget, long nanos);
long thaw_wait(char *ctx, int order, long budget, long nanos);
int thaw_manager(char *control, char *ctx, uint32_t seq, long yields, long nanos);

void thaw_tsc_sample(int64_t *out);
int thaw_tsc_usable(void);

int thaw_sha256_usable(void);
void thaw_sha256(const uint8_t *data, size_t length, uint8_t out[32]);

int thaw_aes_usable(void);
void thaw_aes_seal(const uint8_t *key, const uint8_t *nonce, const uint8_t *data, size_t data_length, const uint8_t *in, size_t length, uint8_t *out);
int thaw_aes_open(const uint8_t *key, const uint8_t *nonce, const uint8_t *data, size_t data_length, const uint8_t *in, size_t length, uint8_t *out);

#endif
