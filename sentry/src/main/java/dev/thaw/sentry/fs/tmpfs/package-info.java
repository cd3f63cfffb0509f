/** A file system whose content lives in the memory file. */
@NullMarked
package dev.thaw.sentry.fs.tmpfs;

import org.jspecify.annotations.NullMarked;
