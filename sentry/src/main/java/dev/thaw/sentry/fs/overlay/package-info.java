/** A writable layer in memory over read-only layers. */
@NullMarked
package dev.thaw.sentry.fs.overlay;

import org.jspecify.annotations.NullMarked;
