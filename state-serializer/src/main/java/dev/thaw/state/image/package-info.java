/** The image: the state blob, the page map and chunks, the manifest. */
@NullMarked
package dev.thaw.state.image;

import org.jspecify.annotations.NullMarked;
