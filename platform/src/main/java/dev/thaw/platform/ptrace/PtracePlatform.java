package dev.thaw.platform.ptrace;

import dev.thaw.platform.AddressSpace;
import dev.thaw.platform.Platform;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.platform.stub.ForkServer;
import dev.thaw.platform.stub.StubAbi;

/** Guest threads are traced, each by its task's own thread; what would be a signal in the guest is a stop. Memory is mapped as on systrap. */
public final class PtracePlatform implements Platform {
    private final MemoryFile memory;
    private final ForkServer server;

    public PtracePlatform(MemoryFile memory) throws PlatformException {
        this.memory = memory;
        this.server = ForkServer.start(memory.fd(), true);
    }

    @Override
    public String name() {
        return "ptrace";
    }

    @Override
    public MemoryFile memory() {
        return memory;
    }

    @Override
    public long maxAddress() {
        return StubAbi.STUB_BASE;
    }

    @Override
    public AddressSpace newAddressSpace() throws PlatformException {
        return new PtraceAddressSpace(server.fork(), memory.fd());
    }

    @Override
    public void whenLost(Runnable action) {
        server.whenLost(action);
    }

    @Override
    public void close() {
        server.close();
    }
}
