/** Program loading: ELF, interpreters, scripts, the initial stack. */
@NullMarked
package dev.thaw.sentry.loader;

import org.jspecify.annotations.NullMarked;
