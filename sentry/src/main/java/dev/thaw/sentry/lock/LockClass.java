package dev.thaw.sentry.lock;

/** The lock order of the Sentry, outermost first: a thread takes locks in this order only. */
public enum LockClass {
    /** Held over a whole read of a made-up file, which may ask anything of the kernel. */
    FILE_POSITION,
    KERNEL,
    CONTAINER,
    THREAD_GROUP,
    MOUNT,
    RENAME,
    EPOLL,
    FS_CONTEXT,
    FD_TABLE,
    DENTRY,
    INODE_IO,
    SOCKET,
    PIPE,
    FUTEX,
    INODE,
    PAGE_CACHE,
    FILE,
    TASK_SET,
    SIGNAL,
    TIMER,
    WAIT_QUEUE,

    /**
     * An address space. Innermost of the kernel objects, so that guest memory may be copied under any of them but not under what {@code Mappable.pages} takes
     * (a copy may fault, a fault fetches pages): {@code pages} is called with no MM lock held, and {@code addMapping} and {@code removeMapping} with it.
     */
    MM,

    /** Who maps a file, and shared memory's pages: taken by {@code addMapping} and {@code removeMapping} under MM; leave it before {@code MemoryManager.invalidate}. */
    MAPPINGS,
    MEMORY_FILE,
    GOFER_CLIENT,
    PLATFORM,
    LEAF
}
