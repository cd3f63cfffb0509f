/** Host files, served by the gofer process. */
@NullMarked
package dev.thaw.sentry.fs.gofer;

import org.jspecify.annotations.NullMarked;
