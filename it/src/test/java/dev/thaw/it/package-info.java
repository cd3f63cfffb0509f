/** Tests across modules: real programs, real processes, the command line and the server as a user has them. */
@NullMarked
package dev.thaw.it;

import org.jspecify.annotations.NullMarked;
