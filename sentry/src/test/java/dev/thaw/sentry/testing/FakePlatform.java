package dev.thaw.sentry.testing;

import dev.thaw.platform.AddressSpace;
import dev.thaw.platform.GuestThread;
import dev.thaw.platform.Platform;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.platform.memory.MemoryFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A platform that runs nothing: its address spaces are page maps that a {@link FakeGuest} reads and writes through, as a processor would. */
public final class FakePlatform implements Platform {
    public static final long MAX_ADDRESS = 0x7ff000000000L;

    private final MemFdMemoryFile memory;
    private final List<FakeAddressSpace> spaces = new ArrayList<>();

    public FakePlatform() {
        try {
            memory = MemFdMemoryFile.create(64L << 30);
        } catch (PlatformException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public MemoryFile memory() {
        return memory;
    }

    @Override
    public long maxAddress() {
        return MAX_ADDRESS;
    }

    @Override
    public AddressSpace newAddressSpace() {
        FakeAddressSpace space = new FakeAddressSpace();
        spaces.add(space);
        return space;
    }

    @Override
    public void close() {
        memory.close();
    }

    /** What the host maps at one page. */
    public record HostPage(long offset, int prot) {}

    /** A host address space as a map of pages. */
    public static final class FakeAddressSpace implements AddressSpace {
        final TreeMap<Long, HostPage> pages = new TreeMap<>();

        /** How many pages fit before map answers -ENOMEM. */
        public int room = Integer.MAX_VALUE;

        public int mapCalls;
        public int protectCalls;
        public boolean closed;

        @Override
        public int map(
                @Nullable GuestThread caller,
                long address,
                long length,
                int file,
                long offset,
                int prot,
                boolean populate) {
            check(address, length);
            if (pages.size() + length / 4096 > room) {
                return -12;
            }
            mapCalls++;
            for (long done = 0; done < length; done += 4096) {
                pages.put(address + done, new HostPage(offset + done, prot));
            }
            return 0;
        }

        @Override
        public void unmap(@Nullable GuestThread caller, long address, long length) {
            check(address, length);
            pages.subMap(address, address + length).clear();
        }

        @Override
        public void protect(@Nullable GuestThread caller, long address, long length, int prot) {
            check(address, length);
            protectCalls++;
            if (pages.subMap(address, address + length).size() < length / 4096) {
                pages.subMap(address, address + length)
                        .clear(); // as a stub does, whose mprotect stops at a hole
                return;
            }
            pages.subMap(address, address + length)
                    .replaceAll((_, page) -> new HostPage(page.offset, prot));
        }

        private static void check(long address, long length) {
            if (address % 4096 != 0
                    || length <= 0
                    || length % 4096 != 0
                    || address < 0x10000
                    || address + length > MAX_ADDRESS) {
                throw new AssertionError(
                        "bad range " + Long.toHexString(address) + "+" + Long.toHexString(length));
            }
        }

        @Override
        public GuestThread newThread() {
            throw new UnsupportedOperationException("nothing runs here");
        }

        @Override
        public void close() {
            closed = true;
            pages.clear();
        }

        public Map<Long, HostPage> pages() {
            return pages;
        }
    }
}
