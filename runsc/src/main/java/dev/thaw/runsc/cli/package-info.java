/** The commands of runsc. */
@NullMarked
package dev.thaw.runsc.cli;

import org.jspecify.annotations.NullMarked;
