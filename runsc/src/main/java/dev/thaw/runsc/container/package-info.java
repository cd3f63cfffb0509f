/** What is known of containers on disk, and the processes behind them. */
@NullMarked
package dev.thaw.runsc.container;

import org.jspecify.annotations.NullMarked;
