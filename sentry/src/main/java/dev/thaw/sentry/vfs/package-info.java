/** The virtual file system: mounts, dentries, inodes, file descriptions, path walking. */
@NullMarked
package dev.thaw.sentry.vfs;

import org.jspecify.annotations.NullMarked;
