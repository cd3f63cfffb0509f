/** The protocol between runsc and a sandbox process. */
@NullMarked
package dev.thaw.runsc.control;

import org.jspecify.annotations.NullMarked;
