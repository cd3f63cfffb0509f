/** Descriptors of the host that the caller gave the sandbox: its standard streams. */
@NullMarked
package dev.thaw.sentry.fs.host;

import org.jspecify.annotations.NullMarked;
