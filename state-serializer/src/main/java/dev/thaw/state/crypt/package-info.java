/** Images under a key: the data key and what is derived from it, and the codec that encrypts with it. */
@NullMarked
package dev.thaw.state.crypt;

import org.jspecify.annotations.NullMarked;
