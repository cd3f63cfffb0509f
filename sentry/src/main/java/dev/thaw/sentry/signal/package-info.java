/** Signals: sets, queues, actions, delivery frames. */
@NullMarked
package dev.thaw.sentry.signal;

import org.jspecify.annotations.NullMarked;
