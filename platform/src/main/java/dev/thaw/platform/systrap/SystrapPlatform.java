package dev.thaw.platform.systrap;

import dev.thaw.platform.AddressSpace;
import dev.thaw.platform.Platform;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.platform.stub.ForkServer;
import dev.thaw.platform.stub.StubAbi;
import dev.thaw.platform.stub.StubProcess;

/** Guest threads stop by SIGSYS and other signals; the signal frame lies in memory shared with the Sentry, which answers by changing it. */
public final class SystrapPlatform implements Platform {
    private final MemoryFile memory;
    private final ForkServer server;
    private final Frame frame;

    public SystrapPlatform(MemoryFile memory) throws PlatformException {
        this.memory = memory;
        this.server = ForkServer.start(memory.fd(), false);
        StubProcess probe = server.fork();
        try {
            frame = SystrapThread.probe(probe);
        } finally {
            probe.kill();
            probe.release();
        }
    }

    @Override
    public String name() {
        return "systrap";
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
        return new SystrapAddressSpace(server.fork(), frame, memory.fd());
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
