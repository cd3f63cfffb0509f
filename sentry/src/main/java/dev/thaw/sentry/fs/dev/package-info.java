/** The device files of a container: null, zero, full, random, tty and their like. */
@NullMarked
package dev.thaw.sentry.fs.dev;

import org.jspecify.annotations.NullMarked;
