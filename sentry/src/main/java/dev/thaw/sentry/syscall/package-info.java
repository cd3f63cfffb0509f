/** The system call table and one class for each Linux family of calls. */
@NullMarked
package dev.thaw.sentry.syscall;

import org.jspecify.annotations.NullMarked;
