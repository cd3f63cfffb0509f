/** The second platform: guest threads run under ptrace. Slower and simpler; the oracle for systrap. */
@NullMarked
package dev.thaw.platform.ptrace;

import org.jspecify.annotations.NullMarked;
