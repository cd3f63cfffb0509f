/** The option that logs each system call. */
@NullMarked
package dev.thaw.sentry.strace;

import org.jspecify.annotations.NullMarked;
