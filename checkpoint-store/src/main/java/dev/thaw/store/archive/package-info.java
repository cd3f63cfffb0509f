/** Images as one file: a tar of our own, or an OCI image layout that registry clients understand. */
@NullMarked
package dev.thaw.store.archive;

import org.jspecify.annotations.NullMarked;
