/** The narrow interface to what runs sandboxes, and its adapter to the library behind the runsc command. */
@NullMarked
package dev.thaw.control.engine;

import org.jspecify.annotations.NullMarked;
