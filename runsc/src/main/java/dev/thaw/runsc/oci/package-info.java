/** OCI bundles: config.json as records, read and checked. */
@NullMarked
package dev.thaw.runsc.oci;

import org.jspecify.annotations.NullMarked;
