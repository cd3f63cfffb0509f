package dev.thaw.runsc.boot;

import dev.thaw.host.HostProcess;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.control.BootSpec;
import dev.thaw.runsc.control.ControlProtocol;
import dev.thaw.sentry.checkpoint.Checkpointer;
import java.util.concurrent.locks.LockSupport;

/**
 * The main of a sandbox process: {@code Boot EMPTY_ROOT}. It learns over the boot socket what it is to become, builds the kernel, loads the program, gives up all it has on the host, says that it
 * is ready, and lives until the container's first process has ended; its exit code is that process's.
 */
public final class Boot {
    static final int BOOT_FD = 3;
    static final int CONTROL_FD = 4;
    static final int GOFER_FD = 5;
    static final int STDIN_FD = 6;
    static final int FIRST_IMAGE_FD = 9;

    private static final long WARM_UP_NANOS = 2_000_000_000L;

    private Boot() {}

    public static void main(String[] args) {
        int code = run(args[0]);
        if (Boolean.getBoolean("thaw.aot.train")) {
            Runtime.getRuntime().halt(code); // writes the class cache
        }
        HostProcess.exit(code);
    }

    private static int run(String emptyRoot) {
        Wire boot = new Wire(BOOT_FD);
        if (boot.receive(0) <= 0) {
            return 1; // runsc changed its mind
        }
        boolean train = Boolean.getBoolean("thaw.aot.train");
        try {
            BootSpec spec = BootSpec.read(boot.in());
            if (spec.strace()) {
                System.setProperty("thaw.log.level", "DEBUG"); // before the first logger is made
            }
            if (spec.confine() && !train) {
                System.setProperty(
                        "thaw.stub.uid",
                        "65534"); // whom the Sentry becomes may signal and trace its stubs
            }
            SandboxKernel sandbox = SandboxKernel.build(spec);
            ControlServer server = new ControlServer(sandbox, CONTROL_FD);
            Rehearsal.run();
            if (train) {
                Confinement.train();
            } else if (spec.confine()) {
                Confinement.enter(emptyRoot);
            }
            Thread.ofPlatform().name("control").daemon().start(server);
            if (spec.start()) {
                sandbox.start();
            }
            boot.out().reset().u8(ControlProtocol.OK).utf8(sandbox.changedFiles());
            boot.send();
            boot.close();
            if (train) {
                Checkpointer.prepare();
            } else {
                Thread.ofPlatform().name("warm-up").daemon().start(Boot::warmUp);
            }
            int code = sandbox.awaitExit();
            server.finish(code);
            return code;
        } catch (SandboxException e) {
            return refuse(boot, e.kind(), String.valueOf(e.getMessage()));
        } catch (WireException e) {
            return refuse(
                    boot,
                    SandboxException.Kind.INTERNAL,
                    "the boot message is broken: " + e.getMessage());
        } catch (Throwable e) {
            e.printStackTrace(System.err);
            return refuse(boot, SandboxException.Kind.INTERNAL, "the sandbox can not start: " + e);
        }
    }

    /** Loads what a checkpoint needs, so that the guest does not stand still for it; not while the guest itself starts. */
    private static void warmUp() {
        long start = System.nanoTime();
        while (System.nanoTime() - start < WARM_UP_NANOS) {
            LockSupport.parkNanos(WARM_UP_NANOS);
        }
        Checkpointer.prepare();
    }

    private static int refuse(Wire boot, SandboxException.Kind kind, String message) {
        try {
            boot.out().reset().u8(ControlProtocol.ERROR).utf8(kind.name()).utf8(message);
            boot.send();
        } catch (WireException e) {
            System.err.println(message);
        }
        return 1;
    }
}
