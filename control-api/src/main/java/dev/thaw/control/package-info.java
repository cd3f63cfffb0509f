/** The control server: REST over the sandboxes of one machine. {@link dev.thaw.control.ControlApplication} starts it. */
@NullMarked
package dev.thaw.control;

import org.jspecify.annotations.NullMarked;
