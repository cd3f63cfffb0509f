/** The few parts of {@code sysfs} that run times look at. */
@NullMarked
package dev.thaw.sentry.fs.sys;

import org.jspecify.annotations.NullMarked;
