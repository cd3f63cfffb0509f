/** {@code runsc image}: what can be done with an image beside restoring it. */
@NullMarked
package dev.thaw.runsc.cli.image;

import org.jspecify.annotations.NullMarked;
