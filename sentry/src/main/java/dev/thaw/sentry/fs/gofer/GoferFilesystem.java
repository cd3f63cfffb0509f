package dev.thaw.sentry.fs.gofer;

import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFLNK;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.check;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.gofer.GoferClient;
import dev.thaw.host.HostStat;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.FsStat;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/**
 * Files of the host below one of the gofer's roots. A read-only tree counts as unchanging: attributes, listings and absences are kept. In a writable one, which others may change too, every
 * step of a path walk asks the gofer. Content is read and written through descriptors that the gofer donates.
 */
@SuppressWarnings("NullAway.Init")
public final class GoferFilesystem extends Filesystem {
    private GoferClient client;
    private MemoryFile memory;
    private final int rootHandle;
    private final boolean readOnly;
    private final DonatedFds fds = new DonatedFds();

    /** The tree of root {@code rootHandle} of {@code client}; pages that guests map are kept in {@code memory}. */
    public GoferFilesystem(MemoryFile memory, GoferClient client, int rootHandle, boolean readOnly)
            throws ErrnoException {
        this.memory = memory;
        this.client = client;
        this.rootHandle = rootHandle;
        this.readOnly = readOnly;
        HostStat stat = new HostStat();
        check(client.stat(rootHandle, "", stat));
        setRoot(newInode(null, "", stat));
    }

    private GoferFilesystem(State state) {
        this.rootHandle = state.root;
        this.readOnly = state.readOnly;
    }

    GoferClient client() {
        return client;
    }

    int handle() {
        return rootHandle;
    }

    MemoryFile memory() {
        return memory;
    }

    DonatedFds fds() {
        return fds;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public String name() {
        return "gofer";
    }

    Inode newInode(@Nullable GoferDirectory parent, String name, HostStat stat) {
        GoferName at = new GoferName(parent, name);
        return switch (stat.type()) {
            case S_IFDIR -> new GoferDirectory(this, at, stat);
            case S_IFREG -> new GoferFile(this, at, stat);
            case S_IFLNK -> new GoferSymlink(this, at, stat);
            default -> new GoferSpecial(this, at, stat);
        };
    }

    @Override
    public FsStat statfs() throws ErrnoException {
        long[] s = new long[10];
        int result = client.statfs(rootHandle, "", s);
        if (result < 0) {
            throw errno(-result);
        }
        return new FsStat(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], 0);
    }

    /** What a checkpoint keeps: the root's number; the restoring process offers a {@link GoferClient}. */
    @StateType(id = 0x0380)
    public record State(FsState fs, int root, boolean readOnly) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFs(context), rootHandle, readOnly);
    }

    static final Restorer<State, GoferFilesystem> RESTORER =
            new Restorer<>() {
                @Override
                public GoferFilesystem create(State state, RestoreContext context) {
                    return new GoferFilesystem(state);
                }

                @Override
                public void link(GoferFilesystem fs, State state, RestoreContext context) {
                    fs.memory = context.service(MemoryFile.class);
                    fs.client = context.service(GoferClient.class);
                    fs.restoreFs(state.fs, context);
                }
            };
}
