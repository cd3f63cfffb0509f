/** The default platform: guest threads stop by signals and hand their registers over in shared memory. */
@NullMarked
package dev.thaw.platform.systrap;

import org.jspecify.annotations.NullMarked;
