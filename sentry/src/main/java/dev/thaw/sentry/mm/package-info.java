/** Guest memory management: VMAs, page tables, faults, copy on write. */
@NullMarked
package dev.thaw.sentry.mm;

import org.jspecify.annotations.NullMarked;
