/** Pipes and FIFOs. Linux first: {@code fs/pipe.c}, pipe(7). */
@NullMarked
package dev.thaw.sentry.fs.pipe;

import org.jspecify.annotations.NullMarked;
