/** The main of a sandbox process: it builds the kernel, confines itself, and serves the control socket. */
@NullMarked
package dev.thaw.runsc.boot;

import org.jspecify.annotations.NullMarked;
