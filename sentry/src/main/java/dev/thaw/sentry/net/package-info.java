/** Sockets: what all families share. */
@NullMarked
package dev.thaw.sentry.net;

import org.jspecify.annotations.NullMarked;
