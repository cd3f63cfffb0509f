package dev.thaw.platform.systrap;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.platform.CallSitePatcher;
import dev.thaw.platform.Registers;
import dev.thaw.platform.stub.StubAbi;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Replaces hot system call instructions by jumps to trampolines, which jump into the stub without a signal. Two forms of a site are known:
 * <pre>
 *   A   mov $nr,%eax; syscall           b8 ii ii ii ii 0f 05        the mov becomes "jmp A-trampoline"; the syscall stays, for who jumps there
 *   B   syscall; cmp $imm,%rax          0f 05 48 3d ii ii ii ii     becomes "jmp B-trampoline; (rest of imm)"
 *
 *   A-trampoline:  mov $nr,%eax          B-trampoline:  lea 1f(%rip),%rcx
 *                  lea site+7,%rcx                      jmp *entry
 *                  jmp *entry                           syscall          # only a restarted call comes here
 *                                                    1: cmp $imm,%rax
 *                                                       jmp site+8
 * </pre>
 * A thread that was already in a call at a B site returns into the middle of the jump. So its displacement is chosen to have an invalid opcode there, and
 * {@link #repair} sends the thread on to {@code 1}. In both forms the address to return to has a syscall instruction before it, as without patching.
 *
 * <p>All this lies in guest memory and depends on nothing here, so it survives fork and checkpoint.
 */
final class CallSites {
    private static final int HOT = 8;
    private static final int COUNTERS = 512;
    private static final int SLOT = 32;
    private static final int AREA = 0x10000;
    private static final int MAX_AREAS = 32;
    private static final int INVALID = 0x06;
    private static final int B_SYSCALL = 13;
    private static final int B_RETURN = 15;
    private static final int B_SIZE = 26;

    private final CallSitePatcher patcher;
    private final ReentrantLock mu = new ReentrantLock();

    @GuardedBy("mu")
    private final long[] sites = new long[COUNTERS];

    @GuardedBy("mu")
    private final int[] hits = new int[COUNTERS];

    @GuardedBy("mu")
    private final List<Area> areas = new ArrayList<>();

    /** Trampolines in guest memory. */
    private record Area(long base, BitSet used) {}

    CallSites(CallSitePatcher patcher) {
        this.patcher = patcher;
    }

    /** After a trapped system call: patches its site once it is hot, and corrects {@code rip} for that. */
    void trapped(Registers registers) {
        if (!mu.tryLock()) {
            return;
        }
        try {
            int index = (int) (registers.rip * 0x9e3779b97f4a7c15L >>> 55);
            if (sites[index] != registers.rip) {
                sites[index] = registers.rip;
                hits[index] = 0;
            }
            if (++hits[index] == HOT) {
                patch(registers);
            }
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private void patch(Registers registers) {
        long end = registers.rip;
        byte[] before = new byte[8];
        byte[] after = new byte[8];
        if (patcher.readText(end - 8, before) && isMove(before, registers.rax)) {
            patchA(end - 7, before);
        } else if (patcher.readText(end - 2, after) && word(after, 0) == (int) 0x3d48050fL) {
            patchB(registers, end - 2, after);
        }
    }

    /** A mov of the very number, and not the tail of a longer instruction: no prefix before it. */
    private static boolean isMove(byte[] code, long number) {
        int prefix = code[0] & 0xff;
        return (code[1] & 0xff) == 0xb8
                && word(code, 2) == number
                && code[6] == 0x0f
                && code[7] == 0x05
                && (prefix & 0xf0) != 0x40
                && prefix != 0x66;
    }

    @GuardedBy("mu")
    private void patchA(long site, byte[] before) {
        long at = slot(site, false);
        if (at == 0 || crossesPage(site)) {
            return;
        }
        ByteBuffer code = buffer(SLOT);
        code.put(before, 1, 5)
                .put((byte) 0x48)
                .putShort((short) 0x0d8d)
                .putInt((int) (site + 7 - (at + 12)));
        code.putShort((short) 0x25ff).putInt((int) (base(at) - (at + 18)));
        if (patcher.writeText(at, new byte[SLOT], code.array())) {
            byte[] move = new byte[5];
            System.arraycopy(before, 1, move, 0, 5);
            patcher.writeText(site, move, jump(site, at));
        }
    }

    @GuardedBy("mu")
    private void patchB(Registers registers, long site, byte[] after) {
        long at = slot(site, true);
        if (at == 0 || crossesPage(site)) {
            return;
        }
        ByteBuffer code = buffer(SLOT);
        code.put((byte) 0x48).putShort((short) 0x0d8d).putInt(B_RETURN - 7);
        code.putShort((short) 0x25ff).putInt((int) (base(at) - (at + B_SYSCALL)));
        code.put(after, 0, 8).put((byte) 0xe9).putInt((int) (site + 8 - (at + B_SIZE)));
        byte[] old = new byte[5];
        System.arraycopy(after, 0, old, 0, 5);
        if (patcher.writeText(at, new byte[SLOT], code.array())
                && patcher.writeText(site, old, jump(site, at))) {
            registers.rip = at + B_RETURN;
            registers.restartRip = at + B_SYSCALL;
        }
    }

    /** After an illegal instruction: whether it was a return into a patched B site; {@code rip} is right then. */
    boolean repair(Registers registers) {
        long site = registers.rip - 2;
        byte[] jump = new byte[8];
        if (!patcher.readText(site, jump) || (jump[0] & 0xff) != 0xe9 || jump[2] != INVALID) {
            return false;
        }
        long at = site + 5 + word(jump, 1);
        byte[] code = new byte[B_SIZE];
        if (!patcher.readText(at, code)
                || word(code, 0) != 0x080d8d48
                || word(code, B_SYSCALL) != 0x3d48050f
                || (code[21] & 0xff) != 0xe9
                || at + B_SIZE + word(code, 22) != site + 8) {
            return false;
        }
        registers.rip = at + B_RETURN;
        registers.restartRip = registers.rip;
        return true;
    }

    /** A free trampoline that a jump at {@code site} reaches, for B with the displacement it needs; 0 when there is none. */
    @GuardedBy("mu")
    private long slot(long site, boolean exact) {
        for (Area area : areas) {
            long at = slotIn(area, site, exact);
            if (at != 0) {
                return at;
            }
        }
        if (areas.size() == MAX_AREAS) {
            return 0;
        }
        long base = patcher.allocateTrampolines(site, AREA);
        if (base == 0
                || !patcher.writeText(
                        base, new byte[8], buffer(8).putLong(StubAbi.STUB_BASE).array())) {
            return 0;
        }
        Area area = new Area(base, new BitSet());
        area.used.set(0);
        areas.add(area);
        return slotIn(area, site, exact);
    }

    private static long slotIn(Area area, long site, boolean exact) {
        for (int i = area.used.nextClearBit(0);
                i < AREA / SLOT;
                i = area.used.nextClearBit(i + 1)) {
            long at = area.base + (long) i * SLOT;
            long distance = at - (site + 5);
            if (Math.abs(distance) > Integer.MAX_VALUE - 2 * AREA) {
                return 0;
            }
            if (!exact || (distance >> 8 & 0xff) == INVALID) {
                area.used.set(i);
                return at;
            }
        }
        return 0;
    }

    @GuardedBy("mu")
    private long base(long at) {
        for (Area area : areas) {
            if (at >= area.base && at < area.base + AREA) {
                return area.base;
            }
        }
        throw new AssertionError();
    }

    private static boolean crossesPage(long site) {
        return (site & 4095) > 4096 - 5;
    }

    private static byte[] jump(long site, long target) {
        return buffer(5).put((byte) 0xe9).putInt((int) (target - (site + 5))).array();
    }

    private static int word(byte[] code, int at) {
        return ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).getInt(at);
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
