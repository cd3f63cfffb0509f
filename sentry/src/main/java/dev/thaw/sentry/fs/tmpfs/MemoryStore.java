package dev.thaw.sentry.fs.tmpfs;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.vfs.PageQuota;

/** A file system that keeps content in the memory file. */
public interface MemoryStore {
    /** Where content is kept. */
    MemoryFile memory();

    /** The size limit's account. */
    PageQuota quota();
}
