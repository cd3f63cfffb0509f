/** How guest code runs: the interface between the Sentry and a platform. */
@NullMarked
package dev.thaw.platform;

import org.jspecify.annotations.NullMarked;
