package dev.thaw.platform.stub;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * The xsave area in a signal frame ({@code asm/sigcontext.h}, {@code struct _xstate}):
 * <pre>
 *   0     24      28     464             512       520       528    576
 *   | x87 | mxcsr | ...  | sw_reserved   | xfeatures | compact | 0 ... | extended state
 *                          magic1, extended size, xfeatures, xstate size
 * </pre>
 */
public final class FpArea {
    private static final int MAGIC1 = 0x46505853;
    private static final long MXCSR = 24;
    private static final long MXCSR_MASK = 28;
    private static final long SOFTWARE = 464;
    private static final long HEADER = 512;
    private static final long HEADER_END = 576;

    private final long features;
    private final int size;
    private final int mxcsrMask;

    /** Learns the host's layout from {@code area}, a fresh one that no guest has touched. */
    public FpArea(MemorySegment area) {
        if (area.get(JAVA_INT_UNALIGNED, SOFTWARE) != MAGIC1) {
            throw new IllegalStateException(
                    "the host does not save the extended state of the processor");
        }
        features = area.get(JAVA_LONG_UNALIGNED, SOFTWARE + 8);
        size = area.get(JAVA_INT_UNALIGNED, SOFTWARE + 16);
        int mask = area.get(JAVA_INT_UNALIGNED, MXCSR_MASK);
        mxcsrMask = mask == 0 ? 0xffbf : mask;
    }

    /** Bytes of the state. */
    public int size() {
        return size;
    }

    /** Copies the state out of a frame. */
    public void save(MemorySegment area, MemorySegment target) {
        MemorySegment.copy(area, 0, target, 0, size);
    }

    /** Copies the state out of an area of the same layout that has no software part (or a larger state: what no frame holds stays out). */
    public void overlay(MemorySegment area, MemorySegment target) {
        MemorySegment.copy(area, 0, target, 0, SOFTWARE);
        MemorySegment.copy(area, HEADER, target, HEADER, size - HEADER);
        target.set(JAVA_LONG_UNALIGNED, HEADER, area.get(JAVA_LONG_UNALIGNED, HEADER) & features);
    }

    /** Writes {@code source} into a frame, after checking what the host kernel would refuse. */
    public void load(MemorySegment source, MemorySegment area) {
        if (source.byteSize() < size) {
            throw new IllegalArgumentException(
                    "floating-point state of "
                            + source.byteSize()
                            + " bytes, this processor has "
                            + size);
        }
        if ((source.get(JAVA_LONG_UNALIGNED, HEADER) & ~features) != 0
                || (source.get(JAVA_INT_UNALIGNED, MXCSR) & ~mxcsrMask) != 0) {
            throw new IllegalArgumentException(
                    "floating-point state that this processor does not have");
        }
        for (long i = HEADER + 8; i < HEADER_END; i += 8) {
            if (source.get(JAVA_LONG_UNALIGNED, i) != 0) {
                throw new IllegalArgumentException("floating-point state with a bad header");
            }
        }
        MemorySegment.copy(source, 0, area, 0, SOFTWARE);
        MemorySegment.copy(source, HEADER, area, HEADER, size - HEADER);
    }

    /** The state of a fresh program: every component in its initial configuration. */
    public void reset(MemorySegment area) {
        area.asSlice(0, SOFTWARE).fill((byte) 0);
        area.set(JAVA_SHORT, 0, (short) 0x37f);
        area.set(JAVA_INT_UNALIGNED, MXCSR, 0x1f80);
        area.set(JAVA_INT_UNALIGNED, MXCSR_MASK, mxcsrMask);
        area.asSlice(HEADER, size - HEADER).fill((byte) 0);
    }
}
