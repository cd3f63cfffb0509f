/**
 * The gofer: the one process of a sandbox that opens files of the host. It serves the container's root and its bind mounts, and nothing else, to the Sentry over
 * message sockets ({@code gofer/README.md} has the protocol). {@link GoferServer} is its side, {@link GoferClient} the Sentry's.
 */
@NullMarked
package dev.thaw.gofer;

import org.jspecify.annotations.NullMarked;
