/** The OCI command line and the life cycle of a sandbox, which the control API drives too. */
@NullMarked
package dev.thaw.runsc;

import org.jspecify.annotations.NullMarked;
