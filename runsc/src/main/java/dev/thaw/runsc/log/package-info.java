/** Where log lines of the command line and the sandbox's processes go. */
@NullMarked
package dev.thaw.runsc.log;

import org.jspecify.annotations.NullMarked;
