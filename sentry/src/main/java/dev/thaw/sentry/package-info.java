/** The Sentry: an application kernel that answers every system call of its guests. */
@NullMarked
package dev.thaw.sentry;

import org.jspecify.annotations.NullMarked;
