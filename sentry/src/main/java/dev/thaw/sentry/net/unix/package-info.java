/** Unix domain sockets (unix(7)): stream, datagram and sequenced packets, with descriptors and credentials in flight. */
@NullMarked
package dev.thaw.sentry.net.unix;

import org.jspecify.annotations.NullMarked;
