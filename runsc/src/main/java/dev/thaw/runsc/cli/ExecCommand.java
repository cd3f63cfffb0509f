package dev.thaw.runsc.cli;

import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostProcess;
import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.runsc.oci.ProcessConfig.Capabilities;
import dev.thaw.runsc.oci.ProcessConfig.User;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.SpecReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc exec}. */
@Command(name = "exec", description = "run one more process in a container")
final class ExecCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-p", "--process"},
            paramLabel = "FILE",
            description = "a process.json; else the command follows the id")
    @Nullable Path process;

    @Option(
            names = {"-e", "--env"},
            paramLabel = "NAME=VALUE",
            description = "add to the environment")
    List<String> env = new ArrayList<>();

    @Option(names = "--cwd", paramLabel = "DIR", description = "the working directory")
    @Nullable String cwd;

    @Option(
            names = {"-u", "--user"},
            paramLabel = "UID[:GID]",
            description = "as whom")
    @Nullable String user;

    @Option(
            names = {"-g", "--additional-gids"},
            paramLabel = "GID",
            description = "supplementary groups")
    List<Integer> groups = new ArrayList<>();

    @Option(
            names = {"-c", "--cap"},
            paramLabel = "CAP",
            hidden = true)
    List<String> caps = new ArrayList<>();

    @Option(
            names = {"-t", "--tty"},
            description = "give the process a terminal (needs --console-socket)")
    boolean tty;

    @Option(
            names = "--console-socket",
            paramLabel = "SOCKET",
            description = "a Unix socket that gets the terminal")
    @Nullable Path consoleSocket;

    @Option(
            names = {"-d", "--detach"},
            description = "return when it runs")
    boolean detach;

    @Option(
            names = "--pid-file",
            paramLabel = "FILE",
            description = "write the process id of its stand-in on the host there")
    @Nullable Path pidFile;

    @Option(
            names = {"--no-new-privs", "--preserve-fds", "--apparmor", "--process-label"},
            hidden = true)
    @Nullable String ignored;

    @Parameters(index = "0", paramLabel = "ID")
    String id = "";

    @Parameters(index = "1..*", paramLabel = "COMMAND")
    List<String> command = new ArrayList<>();

    ExecCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        Sandboxes sandboxes = runsc.sandboxes();
        Sandbox sandbox = sandboxes.get(id);
        ProcessConfig config =
                process != null ? SpecReader.readProcess(process) : fromContainer(sandbox);
        try (Console console = Console.of(config, consoleSocket, detach);
                Sandbox.ExecHandle handle = sandbox.exec(config, console.stdio())) {
            if (!detach) {
                PidFile.write(pidFile, (int) ProcessHandle.current().pid());
                return Foreground.attach(sandboxes, handle);
            }
            standIn(sandboxes, handle);
            return 0;
        }
    }

    /** The container's own process with another command, as far as the bundle is still there. */
    private ProcessConfig fromContainer(Sandbox sandbox) throws SandboxException {
        if (command.isEmpty()) {
            throw SandboxException.invalid("process args cannot be empty");
        }
        Path bundle = Path.of(sandbox.state().bundle());
        ProcessConfig base = null;
        if (Files.exists(bundle.resolve("config.json"))) {
            Spec spec = SpecReader.readBundle(bundle);
            base = spec.process();
        }
        if (base == null) {
            base =
                    ProcessConfig.of(
                            command,
                            List.of(
                                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                            "/");
        }
        ProcessConfig config =
                base.withArgs(RawStrings.arguments(command.size())).withEnv(env).withTerminal(tty);
        if (cwd != null) {
            config = config.withCwd(cwd);
        }
        if (user != null || !groups.isEmpty()) {
            config = config.withUser(user(config));
        }
        if (!caps.isEmpty()) {
            config = config.withCapabilities(Capabilities.ALL);
        }
        return config;
    }

    private User user(ProcessConfig config) throws SandboxException {
        int uid = config.user().uid();
        int gid = config.user().gid();
        if (user != null) {
            try {
                int colon = user.indexOf(':');
                uid = Integer.parseUnsignedInt(colon < 0 ? user : user.substring(0, colon));
                gid = colon < 0 ? gid : Integer.parseUnsignedInt(user.substring(colon + 1));
            } catch (NumberFormatException e) {
                throw SandboxException.invalid(
                        "invalid user \"" + user + "\": UID[:GID] in numbers is expected");
            }
        }
        int[] gids = new int[groups.size()];
        for (int i = 0; i < gids.length; i++) {
            gids[i] = groups.get(i);
        }
        return new User(uid, gid, gids, config.user().umask());
    }

    /** A detached process still needs a process of the host that ends as it does: that is what its engine waits for. */
    private void standIn(Sandboxes sandboxes, Sandbox.ExecHandle handle) throws SandboxException {
        String launcher = sandboxes.options().installation().launcher().toString();
        int nothing = HostFiles.open("/dev/null", Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
        int socket = handle.client().socket();
        int pid =
                HostProcess.spawn(
                        launcher,
                        new String[] {launcher, "--attach", String.valueOf(socket), "0"},
                        new String[0],
                        nothing,
                        nothing,
                        nothing,
                        socket);
        if (pid < 0) {
            throw SandboxException.internal("can not start " + launcher);
        }
        PidFile.write(pidFile, pid);
    }
}
