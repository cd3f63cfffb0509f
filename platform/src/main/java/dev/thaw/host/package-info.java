/** The host's system calls, by JNI: the only place beside the platforms that makes one. Every function returns {@code -errno} on failure. */
@NullMarked
package dev.thaw.host;

import org.jspecify.annotations.NullMarked;
