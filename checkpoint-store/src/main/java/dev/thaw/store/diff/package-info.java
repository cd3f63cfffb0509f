/** What differs between two images. */
@NullMarked
package dev.thaw.store.diff;

import org.jspecify.annotations.NullMarked;
