/** Where images live: a directory that is one image, or a store of many that share their chunks. */
@NullMarked
package dev.thaw.store;

import org.jspecify.annotations.NullMarked;
