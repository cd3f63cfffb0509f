package dev.thaw.sentry.fs.dev;

import static dev.thaw.abi.Fcntl.S_IFCHR;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFLNK;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.NewNode;

/**
 * A container's {@code /dev}: a tmpfs with the nodes that every container has (OCI runtime specification, "Default Devices"). What a node does is in {@link Devices}, by its number; so a checkpoint
 * keeps it as any tmpfs.
 */
public final class DevFilesystem extends TmpfsFilesystem {
    private static final long SIZE = 64 << 20;

    public DevFilesystem(Kernel kernel) {
        super(kernel.memory(), SIZE, 0x1ed);
        Devices.register();
        try {
            populate(root().requireInode());
        } catch (ErrnoException e) {
            throw new IllegalStateException("an empty tmpfs refuses a node", e);
        }
    }

    private static void populate(Inode root) throws ErrnoException {
        device(root, "null", Devices.NULL);
        device(root, "zero", Devices.ZERO);
        device(root, "full", Devices.FULL);
        device(root, "random", Devices.RANDOM);
        device(root, "urandom", Devices.URANDOM);
        device(root, "tty", Devices.TTY);
        link(root, "fd", "/proc/self/fd");
        link(root, "stdin", "/proc/self/fd/0");
        link(root, "stdout", "/proc/self/fd/1");
        link(root, "stderr", "/proc/self/fd/2");
        link(root, "core", "/proc/kcore");
        link(root, "ptmx", "pts/ptmx");
        Inode pts = root.create("pts", new NewNode(S_IFDIR | 0x1ed, 0, 0, 0, null));
        device(pts, "ptmx", Devices.PTMX);
        root.create("shm", new NewNode(S_IFDIR | 0x3ff, 0, 0, 0, null));
        root.create("mqueue", new NewNode(S_IFDIR | 0x3ff, 0, 0, 0, null));
    }

    private static void device(Inode directory, String name, int number) throws ErrnoException {
        directory.create(name, new NewNode(S_IFCHR | 0x1b6, 0, 0, number, null));
    }

    private static void link(Inode directory, String name, String target) throws ErrnoException {
        directory.create(name, new NewNode(S_IFLNK | 0x1ff, 0, 0, 0, target));
    }
}
