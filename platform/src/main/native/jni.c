/*
 * The methods that Java declares native, all of them: host calls, and the functions of thaw.c, tsc.c, sha256.c and aes.c. Results are values or -errno, nothing is thrown and nothing is kept.
 * JNI and not the foreign-function API because a process that lives 300 ms pays 50 ms for the latter's method handles (docs/decisions/0002).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <jni.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "stub_abi.h"
#include "thaw.h"

#define NATIVE(type, class, name) JNIEXPORT type JNICALL Java_dev_thaw_##class##_##name
#define UNUSED __attribute__((unused))

typedef long word_function(long, long, long, long, long, long);

/* SAFETY: what the six words mean is each caller's to justify. */
NATIVE(jlong, host_RawSyscall, call)(JNIEnv *env UNUSED, jclass self UNUSED, jlong nr, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

NATIVE(jlong, host_LibC, symbol)(JNIEnv *env, jclass self UNUSED, jstring name) {
    const char *text = (*env)->GetStringUTFChars(env, name, NULL);
    if (text == NULL) {
        return 0;
    }
    void *found = dlsym(RTLD_DEFAULT, text);
    (*env)->ReleaseStringUTFChars(env, name, text);
    return (jlong)(intptr_t)found;
}

/* SAFETY: integer and pointer arguments go in the same registers whatever their width; a callee ignores further ones. */
NATIVE(jlong, host_LibC, call)(JNIEnv *env UNUSED, jclass self UNUSED, jlong function, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f) {
    return ((word_function *)(intptr_t)function)(a, b, c, d, e, f);
}

NATIVE(jlong, host_HostCpu, auxiliaryValue)(JNIEnv *env UNUSED, jclass self UNUSED, jint type) {
    return (jlong)getauxval((unsigned long)(uint32_t)type);
}

NATIVE(jint, host_HostMemory, copyString)(JNIEnv *env, jclass self UNUSED, jlong address, jbyteArray target, jint at, jint length) {
    const char *text = (const char *)(intptr_t)address;
    jint count = (jint)strnlen(text, (size_t)length);
    if (count < length) {
        count++; /* the 0 */
    }
    (*env)->SetByteArrayRegion(env, target, at, count, (const jbyte *)text); /* checks the array's bounds */
    return count;
}

NATIVE(jint, host_HostCpu, current)(JNIEnv *env UNUSED, jclass self UNUSED) {
    unsigned aux;
    __builtin_ia32_rdtscp(&aux);
    return (jint)(aux & 0xfff);
}

NATIVE(void, host_HostCpu, move)(JNIEnv *env UNUSED, jclass self UNUSED, jint tid, jint cpu) {
    cpu_set_t all, one;
    if (cpu >= 0 && cpu < CPU_SETSIZE && sched_getaffinity(tid, sizeof all, &all) == 0 && CPU_ISSET(cpu, &all)) {
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(tid, sizeof one, &one) == 0) {
            sched_setaffinity(tid, sizeof all, &all);
        }
    }
}

NATIVE(jboolean, host_HostTsc, usable)(JNIEnv *env UNUSED, jclass self UNUSED) {
    return thaw_tsc_usable() != 0;
}

NATIVE(void, host_HostTsc, sample)(JNIEnv *env, jclass self UNUSED, jlongArray out) {
    int64_t values[3];
    thaw_tsc_sample(values);
    (*env)->SetLongArrayRegion(env, out, 0, 3, (const jlong *)values);
}

NATIVE(jboolean, host_HostSha256, usable)(JNIEnv *env UNUSED, jclass self UNUSED) {
    return thaw_sha256_usable() != 0;
}

/* The caller has checked length. Takes less than a millisecond for what a chunk holds, so it may hold off the collector. */
NATIVE(void, host_HostSha256, hash)(JNIEnv *env, jclass self UNUSED, jbyteArray bytes, jint length, jbyteArray out) {
    uint8_t hash[32];
    void *data = (*env)->GetPrimitiveArrayCritical(env, bytes, NULL);
    if (data == NULL) {
        return; /* OutOfMemoryError is pending */
    }
    thaw_sha256(data, (size_t)length, hash);
    (*env)->ReleasePrimitiveArrayCritical(env, bytes, data, JNI_ABORT);
    (*env)->SetByteArrayRegion(env, out, 0, sizeof hash, (const jbyte *)hash);
}

NATIVE(jboolean, host_HostAesGcm, usable)(JNIEnv *env UNUSED, jclass self UNUSED) {
    return thaw_aes_usable() != 0;
}

/* One of aes.c's two functions over arrays whose bounds the caller has checked: `length` bytes of in from in_at on (open: and the tag), out from out_at on. */
static jboolean aes(JNIEnv *env, int seal, jbyteArray key, jbyteArray nonce, jbyteArray data, jbyteArray in, jint in_at, jint length, jbyteArray out, jint out_at) {
    jbyteArray arrays[5] = {key, nonce, data, in, out};
    uint8_t *bytes[5] = {0};
    size_t data_length = (size_t)(*env)->GetArrayLength(env, data);
    int held = 0, ok = 0;
    while (held < 5 && (bytes[held] = (*env)->GetPrimitiveArrayCritical(env, arrays[held], NULL)) != NULL) {
        held++;
    }
    if (held == 5 && seal) {
        thaw_aes_seal(bytes[0], bytes[1], bytes[2], data_length, bytes[3] + in_at, (size_t)length, bytes[4] + out_at);
        ok = 1;
    } else if (held == 5) {
        ok = thaw_aes_open(bytes[0], bytes[1], bytes[2], data_length, bytes[3] + in_at, (size_t)length, bytes[4] + out_at);
    }
    while (held > 0) {
        held--;
        (*env)->ReleasePrimitiveArrayCritical(env, arrays[held], bytes[held], held == 4 ? 0 : JNI_ABORT);
    }
    return ok != 0;
}

NATIVE(void, host_HostAesGcm, seal0)(JNIEnv *env, jclass self UNUSED, jbyteArray key, jbyteArray nonce, jbyteArray data, jbyteArray in, jint length, jbyteArray out, jint at) {
    aes(env, 1, key, nonce, data, in, 0, length, out, at);
}

NATIVE(jboolean, host_HostAesGcm, open0)(JNIEnv *env, jclass self UNUSED, jbyteArray key, jbyteArray nonce, jbyteArray data, jbyteArray in, jint at, jint length, jbyteArray out) {
    return aes(env, 0, key, nonce, data, in, at, length, out, 0);
}

/* SAFETY of these three: each takes addresses inside a mapped region of the context memfd, and touches the words that stub_abi.h names. */
NATIVE(jlong, platform_stub_StubCalls, switchTo)(JNIEnv *env, jclass self UNUSED, jlong context, jint order, jlong budget, jlong nanos, jlongArray words) {
    long result = thaw_switch((char *)(intptr_t)context, order, budget, nanos);
    (*env)->SetLongArrayRegion(env, words, 0, CTX_FRAME / 8, (const jlong *)(intptr_t)context);
    return result;
}

NATIVE(jlong, platform_stub_StubCalls, await)(JNIEnv *env, jclass self UNUSED, jlong context, jint order, jlong budget, jlong nanos, jlongArray words) {
    long result = thaw_wait((char *)(intptr_t)context, order, budget, nanos);
    (*env)->SetLongArrayRegion(env, words, 0, CTX_FRAME / 8, (const jlong *)(intptr_t)context);
    return result;
}

NATIVE(jint, platform_stub_StubCalls, manager)(JNIEnv *env UNUSED, jclass self UNUSED, jlong control, jlong context, jint seq, jlong yields, jlong nanos) {
    return thaw_manager((char *)(intptr_t)control, (char *)(intptr_t)context, (uint32_t)seq, yields, nanos);
}
