/** Locks with a declared order. */
@NullMarked
package dev.thaw.sentry.lock;

import org.jspecify.annotations.NullMarked;
