/** Kernel state as records, and the image they are written to. Knows no kernel type. */
@NullMarked
package dev.thaw.state;

import org.jspecify.annotations.NullMarked;
