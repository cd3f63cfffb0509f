package dev.thaw.sentry.lock;

/** The lock order of the Sentry, outermost first: a thread takes locks in this order only. */
public enum LockClass {
    KERNEL,
    CONTAINER,
    THREAD_GROUP,
    TASK_SET,
    MOUNT,
    RENAME,
    EPOLL,
    FS_CONTEXT,
    FD_TABLE,
    FILE_POSITION,
    DENTRY,
    SOCKET,
    PIPE,
    MM,
    INODE,
    PAGE_CACHE,
    FILE,
    FUTEX,
    SIGNAL,
    TIMER,
    WAIT_QUEUE,
    MEMORY_FILE,
    GOFER_CLIENT,
    PLATFORM,
    LEAF
}
