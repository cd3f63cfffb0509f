/** Tasks, thread groups, the process tree, scheduling of guest threads. */
@NullMarked
package dev.thaw.sentry.kernel;

import org.jspecify.annotations.NullMarked;
