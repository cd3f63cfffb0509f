/** The shape of state records, as data: what the golden file, an image's schema section and the codec share. */
@NullMarked
package dev.thaw.state.schema;

import org.jspecify.annotations.NullMarked;
