package dev.thaw.sentry.loader;

import dev.thaw.sentry.loader.LoadRequest.RandomBytes;
import java.nio.ByteBuffer;

/**
 * Where exec puts things, randomised as Linux does on x86-64: the program (if it can move) at two thirds of the address space, the heap after it, the stack at the top, mappings
 * downwards from below the stack's largest extent.
 */
record AddressPlan(long programBase, long heapGap, long stackTop, long mmapBase) {
    private static final long PAGE = 4096;
    private static final long MIN_STACK_GAP = 128L << 20;

    static AddressPlan make(long maxAddress, long stackLimit, RandomBytes random) {
        byte[] bytes = new byte[32];
        random.fill(bytes);
        ByteBuffer words = ByteBuffer.wrap(bytes);
        long programRandom = pages(words.getLong(), 28);
        long heapRandom = pages(words.getLong(), 13);
        long stackRandom = pages(words.getLong(), 22);
        long mmapRandom = pages(words.getLong(), 28);
        long gap =
                stackLimit < 0 || stackLimit > maxAddress / 6 * 5 ? maxAddress / 6 * 5 : stackLimit;
        gap = Math.max(gap, MIN_STACK_GAP);
        long stackMaxRandom = (PAGE << 22) + (1L << 20);
        long base = maxAddress - Math.min(gap + stackMaxRandom, maxAddress / 6 * 5) - mmapRandom;
        return new AddressPlan(
                (maxAddress / 3 * 2 & -PAGE) + programRandom,
                heapRandom,
                maxAddress - PAGE - stackRandom,
                Math.max(base & -PAGE, maxAddress / 12 & -PAGE));
    }

    private static long pages(long random, int bits) {
        return (random & (1L << bits) - 1) * PAGE;
    }
}
