package dev.thaw.runsc.container;

import dev.thaw.runsc.SandboxException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The directory (`--root`) with one flat directory per container: state.json, control.sock, exit, sandbox.log, .lock. A state file is written aside and renamed, so a reader
 * sees the old one or the new one; who changes a container holds its lock.
 */
public final class StateRoot {
    private static final String ATTACHED = "attached";
    private static final int MAX_ID = 1024;
    private static final ConcurrentHashMap<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

    private final Path root;

    public StateRoot(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    /** /run/thaw for root, else $XDG_RUNTIME_DIR/thaw. */
    public static Path defaultPath() {
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        return runtime != null
                        && !runtime.isEmpty()
                        && !"root".equals(System.getProperty("user.name"))
                ? Path.of(runtime, "thaw")
                : Path.of("/run/thaw");
    }

    public Path path() {
        return root;
    }

    /** The directory of container {@code id}, which need not exist. */
    public Path directory(String id) throws SandboxException {
        checkId(id);
        return root.resolve(id);
    }

    /** Makes the directory of a new container. */
    public Path create(String id) throws SandboxException {
        Path directory = directory(id);
        try {
            Files.createDirectories(
                    root,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx--x--x")));
            return Files.createDirectory(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            throw SandboxException.conflict("container with given ID already exists: " + id);
        } catch (IOException e) {
            throw SandboxException.internal(
                    "can not make the state directory " + directory + ": " + reason(e));
        }
    }

    /** Reads the state of container {@code id}; its status is "stopped" when its process is gone, whatever the file says. */
    public ContainerState load(String id) throws SandboxException {
        ContainerState state = loadOrNull(directory(id));
        if (state == null) {
            throw SandboxException.notFound("container does not exist: " + id);
        }
        return state;
    }

    /** All containers, by id; one whose directory is being made or removed is left out. */
    public List<ContainerState> list() throws SandboxException {
        ArrayList<ContainerState> list = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
            for (Path entry : entries) {
                ContainerState state = Files.isDirectory(entry) ? loadOrNull(entry) : null;
                if (state != null) {
                    list.add(state);
                }
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw SandboxException.internal("can not list " + root + ": " + reason(e));
        }
        list.sort((a, b) -> a.id().compareTo(b.id()));
        return list;
    }

    /** Replaces the state file. */
    public void store(ContainerState state) throws SandboxException {
        Path directory = directory(state.id());
        Path target = directory.resolve("state.json");
        Path temporary =
                directory.resolve(
                        "state.json."
                                + ProcessHandle.current().pid()
                                + "."
                                + Thread.currentThread().threadId());
        try {
            Files.writeString(temporary, StateJson.write(state));
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw SandboxException.internal("can not write " + target + ": " + reason(e));
        }
    }

    /** Removes all that is left of a container. */
    public void remove(String id) throws SandboxException {
        Path directory = directory(id);
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        } catch (NoSuchFileException e) {
            return;
        } catch (IOException e) {
            throw SandboxException.internal("can not remove " + directory + ": " + reason(e));
        }
        try {
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            throw SandboxException.internal("can not remove " + directory + ": " + reason(e));
        }
    }

    /** Notes that container {@code id} leaves nothing behind when process {@code pid} ends. */
    public void markAttached(String id, int pid) throws SandboxException {
        try {
            Files.writeString(
                    directory(id).resolve(ATTACHED), pid + " " + HostProcesses.startTime(pid));
        } catch (IOException e) {
            throw SandboxException.internal("can not write to " + directory(id) + ": " + reason(e));
        }
    }

    /** Removes what is left of attached containers whose processes were all killed at once, so that none could clean up. */
    public void sweepAttached() {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
            for (Path entry : entries) {
                Path mark = entry.resolve(ATTACHED);
                if (Files.exists(mark)) {
                    String[] words = Files.readString(mark).split(" ");
                    if (words.length == 2
                            && !HostProcesses.isAlive(
                                    Integer.parseInt(words[0]), Long.parseLong(words[1]))) {
                        remove(entry.getFileName().toString());
                    }
                }
            }
        } catch (IOException | NumberFormatException | SandboxException e) {
            // Nothing there yet, or another sweep is at it.
        }
    }

    /** Keeps others, in this process and elsewhere, from changing container {@code id} until the lock is closed. */
    public Lock lock(String id) throws SandboxException {
        Path directory = directory(id);
        ReentrantLock threads = THREADS.computeIfAbsent(directory, path -> new ReentrantLock());
        threads.lock();
        try {
            FileChannel channel =
                    FileChannel.open(
                            directory.resolve(".lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
            return new Lock(threads, channel, channel.lock());
        } catch (NoSuchFileException e) {
            threads.unlock();
            throw SandboxException.notFound("container does not exist: " + id);
        } catch (IOException e) {
            threads.unlock();
            throw SandboxException.internal("can not lock " + directory + ": " + reason(e));
        }
    }

    /** A held lock. */
    public static final class Lock implements AutoCloseable {
        private final ReentrantLock threads;
        private final FileChannel channel;
        private final FileLock lock;

        private Lock(ReentrantLock threads, FileChannel channel, FileLock lock) {
            this.threads = threads;
            this.channel = channel;
            this.lock = lock;
        }

        @Override
        public void close() {
            try {
                lock.release();
                channel.close();
            } catch (IOException e) {
                // The descriptor is gone either way, and with it the lock.
            } finally {
                threads.unlock();
            }
        }
    }

    private static @Nullable ContainerState loadOrNull(Path directory) throws SandboxException {
        Path file = directory.resolve("state.json");
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            throw SandboxException.internal("can not read " + file + ": " + reason(e));
        }
        ContainerState state = StateJson.read(text, file.toString());
        return HostProcesses.isAlive(state.pid(), state.pidStart())
                ? state
                : state.withStatus(ContainerState.STOPPED);
    }

    private static void checkId(String id) throws SandboxException {
        boolean good =
                !id.isEmpty() && id.length() <= MAX_ID && !id.equals(".") && !id.equals("..");
        for (int i = 0; i < id.length() && good; i++) {
            char c = id.charAt(i);
            good =
                    c >= 'a' && c <= 'z'
                            || c >= 'A' && c <= 'Z'
                            || c >= '0' && c <= '9'
                            || c == '_'
                            || c == '+'
                            || c == '-'
                            || c == '.';
        }
        if (!good) {
            throw SandboxException.invalid(
                    "invalid container ID format: \"" + id.replaceAll("\\p{Cntrl}", "?") + "\"");
        }
    }

    private static String reason(IOException e) {
        return e.getClass().getSimpleName() + (e.getMessage() == null ? "" : " " + e.getMessage());
    }
}
