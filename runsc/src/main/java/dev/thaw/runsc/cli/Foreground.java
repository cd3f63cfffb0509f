package dev.thaw.runsc.cli;

import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostProcess;
import dev.thaw.runsc.ImageRehearsal;
import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.control.ControlClient;
import java.nio.file.Path;

/**
 * The end of a command that waits in the foreground. A JVM that only waits would cost tens of MiB and could not pass on every signal, so this process becomes the small native thaw-launch,
 * which keeps the pid, the children, the lifeline and the control connection.
 */
final class Foreground {
    private Foreground() {}

    /** Waits for a container that lives and dies with this process. Returns only when the native program can not be had. */
    static int attach(Sandboxes sandboxes, Sandboxes.Started started) throws SandboxException {
        int lifeline = started.process().takeLifeline();
        ControlClient client =
                ControlClient.connect(sandboxes.options().root().directory(started.state().id()));
        int control = -1;
        if (client != null) {
            control = client.socket();
            HostFiles.fcntl(control, Fcntl.F_SETFD, 0);
        }
        HostFiles.fcntl(lifeline, Fcntl.F_SETFD, 0);
        become(sandboxes.options().installation().launcher(), control, started.state().pid());
        return started.process().waitFor();
    }

    /** Waits for a process in a container. */
    static int attach(Sandboxes sandboxes, Sandbox.ExecHandle handle) throws SandboxException {
        HostFiles.fcntl(handle.client().socket(), Fcntl.F_SETFD, 0);
        become(sandboxes.options().installation().launcher(), handle.client().socket(), 0);
        return handle.waitFor();
    }

    private static void become(Path launcher, int control, int pid) {
        System.out.flush();
        if (Boolean.getBoolean("thaw.aot.train.cli")) {
            ImageRehearsal.run();
            return; // this process writes a class cache at its end
        }
        HostProcess.exec(
                launcher.toString(),
                new String[] {
                    launcher.toString(), "--attach", String.valueOf(control), String.valueOf(pid)
                },
                new String[0]);
    }
}
