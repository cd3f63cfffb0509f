/** Saving a whole kernel to an image and bringing it back. */
@NullMarked
package dev.thaw.sentry.checkpoint;

import org.jspecify.annotations.NullMarked;
