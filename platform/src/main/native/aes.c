/* AES-256-GCM (NIST SP 800-38D) with the processor's own instructions: fast from the first call, where Java's needs to be compiled first and reads files.
   GHASH is computed as POLYVAL (RFC 8452, appendix A): blocks and key are byte-reversed, the key is multiplied by x once, and products are reduced Montgomery's way. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "thaw.h"

#define GCM __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define LANES 8

typedef struct {
    __m128i round[15]; /* AES-256 has 14 rounds */
    __m128i power[LANES]; /* the hash key to the power of 1..8 */
    __m128i hash;
} gcm_t;

int thaw_aes_usable(void) {
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

GCM static inline __m128i reversed(__m128i block) { return _mm_shuffle_epi8(block, _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f)); }

/* The running xor of a round key's four words, as the key schedule wants it. */
GCM static inline __m128i spread(__m128i key) {
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, _mm_slli_si128(key, 8));
}

GCM static void expand(__m128i round[15], const uint8_t key[32]) {
    round[0] = _mm_loadu_si128((const __m128i *)key);
    round[1] = _mm_loadu_si128((const __m128i *)(key + 16));
#define EVEN(i, constant) round[i] = _mm_xor_si128(spread(round[i - 2]), _mm_shuffle_epi32(_mm_aeskeygenassist_si128(round[i - 1], constant), 0xff))
#define ODD(i) round[i] = _mm_xor_si128(spread(round[i - 2]), _mm_shuffle_epi32(_mm_aeskeygenassist_si128(round[i - 1], 0), 0xaa))
    EVEN(2, 0x01), ODD(3), EVEN(4, 0x02), ODD(5), EVEN(6, 0x04), ODD(7), EVEN(8, 0x08), ODD(9), EVEN(10, 0x10), ODD(11), EVEN(12, 0x20), ODD(13), EVEN(14, 0x40);
#undef EVEN
#undef ODD
}

GCM static inline __m128i encrypt(const __m128i round[15], __m128i block) {
    block = _mm_xor_si128(block, round[0]);
    for (int i = 1; i < 14; i++) {
        block = _mm_aesenc_si128(block, round[i]);
    }
    return _mm_aesenclast_si128(block, round[14]);
}

/* Adds the product of a and b, 256 bits, to low, middle and high. */
GCM static inline void multiply(__m128i a, __m128i b, __m128i *low, __m128i *middle, __m128i *high) {
    *low = _mm_xor_si128(*low, _mm_clmulepi64_si128(a, b, 0x00));
    *high = _mm_xor_si128(*high, _mm_clmulepi64_si128(a, b, 0x11));
    *middle = _mm_xor_si128(*middle, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x10), _mm_clmulepi64_si128(a, b, 0x01)));
}

/* The 256 bits divided by x^128, modulo x^128 + x^127 + x^126 + x^121 + 1. */
GCM static inline __m128i reduce(__m128i low, __m128i middle, __m128i high) {
    const __m128i field = _mm_set_epi64x(0, (long long)0xc200000000000000);
    low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, field, 0x00));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, field, 0x00));
    return _mm_xor_si128(high, low);
}

GCM static inline __m128i times(__m128i a, __m128i b) {
    __m128i low = _mm_setzero_si128(), middle = low, high = low;
    multiply(a, b, &low, &middle, &high);
    return reduce(low, middle, high);
}

GCM static void begin(gcm_t *gcm, const uint8_t key[32]) {
    expand(gcm->round, key);
    __m128i h = reversed(encrypt(gcm->round, _mm_setzero_si128()));
    /* times x: shift left by one, and where a bit falls off, add what x^128 is */
    __m128i carry = _mm_srli_epi64(h, 63);
    __m128i fallen = _mm_sub_epi64(_mm_setzero_si128(), _mm_srli_si128(carry, 8));
    fallen = _mm_shuffle_epi32(fallen, 0x44);
    h = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carry, 8));
    h = _mm_xor_si128(h, _mm_and_si128(fallen, _mm_set_epi64x((long long)0xc200000000000000, 1)));
    gcm->power[0] = h;
    for (int i = 1; i < LANES; i++) {
        gcm->power[i] = times(gcm->power[i - 1], h);
    }
    gcm->hash = _mm_setzero_si128();
}

/* Hashes bytes, the last block filled up with zeros. */
GCM static void absorb(gcm_t *gcm, const uint8_t *data, size_t length) {
    __m128i hash = gcm->hash;
    for (; length >= 16 * LANES; data += 16 * LANES, length -= 16 * LANES) {
        __m128i low = _mm_setzero_si128(), middle = low, high = low;
#pragma GCC unroll 8
        for (int i = 0; i < LANES; i++) {
            __m128i block = reversed(_mm_loadu_si128((const __m128i *)(data + 16 * i)));
            multiply(i == 0 ? _mm_xor_si128(block, hash) : block, gcm->power[LANES - 1 - i], &low, &middle, &high);
        }
        hash = reduce(low, middle, high);
    }
    while (length > 0) {
        uint8_t block[16] = {0};
        size_t count = length < 16 ? length : 16;
        memcpy(block, data, count);
        hash = times(_mm_xor_si128(hash, reversed(_mm_loadu_si128((const __m128i *)block))), gcm->power[0]);
        data += count;
        length -= count;
    }
    gcm->hash = hash;
}

/* Counter mode from counter 2 on. */
GCM static void crypt(const gcm_t *gcm, const uint8_t nonce[12], const uint8_t *in, size_t length, uint8_t *out) {
    uint8_t first[16] = {0};
    memcpy(first, nonce, 12);
    const __m128i start = _mm_loadu_si128((const __m128i *)first);
    uint32_t counter = 2;
    for (; length >= 16 * LANES; in += 16 * LANES, out += 16 * LANES, length -= 16 * LANES) {
        __m128i block[LANES];
#pragma GCC unroll 8
        for (int i = 0; i < LANES; i++) {
            block[i] = _mm_xor_si128(_mm_insert_epi32(start, (int)__builtin_bswap32(counter++), 3), gcm->round[0]);
        }
#pragma GCC unroll 13
        for (int r = 1; r < 14; r++) {
#pragma GCC unroll 8
            for (int i = 0; i < LANES; i++) {
                block[i] = _mm_aesenc_si128(block[i], gcm->round[r]);
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < LANES; i++) {
            __m128i text = _mm_loadu_si128((const __m128i *)(in + 16 * i));
            _mm_storeu_si128((__m128i *)(out + 16 * i), _mm_xor_si128(text, _mm_aesenclast_si128(block[i], gcm->round[14])));
        }
    }
    while (length > 0) {
        uint8_t stream[16];
        size_t count = length < 16 ? length : 16;
        _mm_storeu_si128((__m128i *)stream, encrypt(gcm->round, _mm_insert_epi32(start, (int)__builtin_bswap32(counter++), 3)));
        for (size_t i = 0; i < count; i++) {
            out[i] = in[i] ^ stream[i];
        }
        in += count, out += count, length -= count;
    }
}

GCM static void finish(gcm_t *gcm, const uint8_t nonce[12], size_t data_length, size_t length, uint8_t tag[16]) {
    uint8_t lengths[16], first[16] = {0};
    uint64_t bits = __builtin_bswap64((uint64_t)data_length * 8), text_bits = __builtin_bswap64((uint64_t)length * 8);
    memcpy(lengths, &bits, 8);
    memcpy(lengths + 8, &text_bits, 8);
    absorb(gcm, lengths, sizeof lengths);
    memcpy(first, nonce, 12);
    first[15] = 1;
    _mm_storeu_si128((__m128i *)tag, _mm_xor_si128(reversed(gcm->hash), encrypt(gcm->round, _mm_loadu_si128((const __m128i *)first))));
}

static void wipe(gcm_t *gcm) {
    memset(gcm, 0, sizeof *gcm);
    __asm__ volatile("" : : "r"(gcm) : "memory"); /* so that it is not left out */
}

/* Encrypts length bytes of in to out and puts the tag behind them. */
GCM void thaw_aes_seal(const uint8_t *key, const uint8_t *nonce, const uint8_t *data, size_t data_length, const uint8_t *in, size_t length, uint8_t *out) {
    gcm_t gcm;
    begin(&gcm, key);
    absorb(&gcm, data, data_length);
    crypt(&gcm, nonce, in, length, out);
    absorb(&gcm, out, length);
    finish(&gcm, nonce, data_length, length, out + length);
    wipe(&gcm);
}

/* Decrypts length bytes of in, behind which the tag is, to out; 0 (and nothing written) when the tag is wrong. */
GCM int thaw_aes_open(const uint8_t *key, const uint8_t *nonce, const uint8_t *data, size_t data_length, const uint8_t *in, size_t length, uint8_t *out) {
    gcm_t gcm;
    uint8_t tag[16], difference = 0;
    begin(&gcm, key);
    absorb(&gcm, data, data_length);
    absorb(&gcm, in, length);
    finish(&gcm, nonce, data_length, length, tag);
    for (int i = 0; i < 16; i++) {
        difference |= tag[i] ^ in[length + i];
    }
    if (difference == 0) {
        crypt(&gcm, nonce, in, length, out);
    }
    wipe(&gcm);
    return difference == 0;
}
