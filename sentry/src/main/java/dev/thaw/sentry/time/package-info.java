/** Clocks and timers. */
@NullMarked
package dev.thaw.sentry.time;

import org.jspecify.annotations.NullMarked;
