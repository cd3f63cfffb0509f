package dev.thaw.sentry.testing;

import dev.thaw.platform.GuestThread;
import dev.thaw.platform.Registers;
import dev.thaw.platform.StopReason;
import java.lang.foreign.MemorySegment;

/** A guest thread that never runs. */
public final class FakeThread implements GuestThread {
    public static final FakeThread INSTANCE = new FakeThread();

    @Override
    public StopReason run(Registers registers) {
        return StopReason.DEAD;
    }

    @Override
    public void interrupt() {}

    @Override
    public int faultSignal() {
        return 0;
    }

    @Override
    public int faultCode() {
        return 0;
    }

    @Override
    public long faultAddress() {
        return 0;
    }

    @Override
    public int faultAccess() {
        return 0;
    }

    @Override
    public long trapNumber() {
        return 0;
    }

    @Override
    public long errorCode() {
        return 0;
    }

    @Override
    public int fpSize() {
        return 0;
    }

    @Override
    public void saveFp(MemorySegment target) {}

    @Override
    public void loadFp(MemorySegment source) {}

    @Override
    public void resetFp() {}

    @Override
    public void close() {}
}
