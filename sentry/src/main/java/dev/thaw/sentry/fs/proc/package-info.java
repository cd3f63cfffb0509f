/** The {@code proc} file system (proc(5)): what a program may know of tasks and of the kernel. */
@NullMarked
package dev.thaw.sentry.fs.proc;

import org.jspecify.annotations.NullMarked;
