/** The record codec: Kryo with registered ids only. Nothing outside {@code dev.thaw.state} sees Kryo. */
@NullMarked
package dev.thaw.state.kryo;

import org.jspecify.annotations.NullMarked;
