/** The native stub, seen from the Sentry: fork server, stub processes, the layout they share. Used by systrap and ptrace. */
@NullMarked
package dev.thaw.platform.stub;

import org.jspecify.annotations.NullMarked;
