/** Wait queues: how an object tells those who wait for it that its state changed. */
@NullMarked
package dev.thaw.sentry.wait;

import org.jspecify.annotations.NullMarked;
