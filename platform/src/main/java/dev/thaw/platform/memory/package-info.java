/** The memory file: where all guest memory lives, in counted page runs. */
@NullMarked
package dev.thaw.platform.memory;

import org.jspecify.annotations.NullMarked;
