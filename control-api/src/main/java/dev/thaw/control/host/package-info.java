/** Host descriptors in the server, by jnr-ffi: pipes, process descriptors, and one thread that watches them all. */
@NullMarked
package dev.thaw.control.host;

import org.jspecify.annotations.NullMarked;
