/** The sandboxes that this server owns: registry, life cycle, logs, metrics. */
@NullMarked
package dev.thaw.control.sandbox;

import org.jspecify.annotations.NullMarked;
