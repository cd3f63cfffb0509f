package dev.thaw.sentry.fs.host;

import static dev.thaw.abi.Mount.ANON_INODE_FS_MAGIC;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.sentry.vfs.FileStat;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.FsStat;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.state.SaveContext;

/** The inode of a host descriptor: fstat(2) asks the host. */
final class HostInode extends Inode {
    private static final Filesystem FS =
            new Filesystem() {
                @Override
                public String name() {
                    return "hostfs";
                }

                @Override
                public FsStat statfs() {
                    return new FsStat(ANON_INODE_FS_MAGIC, 4096, 0, 0, 0, 0, 0, 255, 0);
                }

                @Override
                public boolean isRebuilt() {
                    return true;
                }

                @Override
                public Record save(SaveContext context) {
                    throw new AssertionError("host descriptors are saved by their number");
                }
            };

    private final HostFileDescription file;

    HostInode(HostFileDescription file) {
        super(FS, FS.nextIno(), 0, 0, 0);
        this.file = file;
    }

    void connected(int type) {
        setMode(type | 0x1b6);
    }

    @Override
    public FileStat stat() {
        HostStat s = new HostStat();
        if (file.hostFd() < 0 || HostFiles.fstat(file.hostFd(), s) != 0) {
            return new FileStat(
                    FS.device(), ino(), file.anonymousMode(), 1, 0, 0, 0, 0, 4096, 0, 0, 0, 0, 0);
        }
        return new FileStat(
                FS.device(),
                s.ino,
                s.mode,
                s.nlink,
                s.uid,
                s.gid,
                s.rdev,
                s.size,
                s.blockSize,
                s.blocks,
                s.atime,
                s.mtime,
                s.ctime,
                s.btime);
    }

    @Override
    public long size() {
        return stat().size();
    }

    @Override
    public Record save(SaveContext context) {
        throw new AssertionError("host descriptors are saved by their number");
    }
}
