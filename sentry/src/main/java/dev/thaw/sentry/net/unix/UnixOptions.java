package dev.thaw.sentry.net.unix;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOPROTOOPT;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Socket.*;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Options of Unix sockets (socket(7)). */
final class UnixOptions {
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int MIN_SEND_BUFFER = 4608;
    private static final int MIN_RECEIVE_BUFFER = 2304;
    private static final int MAX_BUFFER = 212_992;
    private static final long SECOND = 1_000_000_000L;

    static byte[] get(UnixSocket socket, int level, int option) throws ErrnoException {
        if (level != SOL_SOCKET) {
            throw errno(EOPNOTSUPP);
        }
        return switch (option) {
            case SO_TYPE -> ofInt(socket.type());
            case SO_DOMAIN -> ofInt(AF_UNIX);
            case SO_PROTOCOL,
                    SO_DEBUG,
                    SO_BROADCAST,
                    SO_KEEPALIVE,
                    SO_REUSEADDR,
                    SO_REUSEPORT,
                    SO_DONTROUTE,
                    SO_OOBINLINE,
                    SO_PRIORITY,
                    SO_TIMESTAMP,
                    SO_TIMESTAMPNS,
                    SO_PASSSEC ->
                    ofInt(0);
            case SO_ERROR -> ofInt(socket.takeError());
            case SO_ACCEPTCONN -> ofInt(socket.listening ? 1 : 0);
            case SO_SNDBUF -> ofInt(socket.sendBuffer);
            case SO_RCVBUF -> ofInt(socket.receiveBuffer);
            case SO_RCVLOWAT, SO_SNDLOWAT -> ofInt(1);
            case SO_PASSCRED -> ofInt(socket.passCredentials ? 1 : 0);
            case SO_LINGER -> new byte[8];
            case SO_PEERCRED -> {
                byte[] bytes = new byte[12];
                for (int i = 0; i < 3; i++) {
                    INT.set(bytes, 4 * i, socket.peerCredentials[i]);
                }
                yield bytes;
            }
            case SO_PEERGROUPS -> new byte[0];
            case SO_RCVTIMEO, SO_SNDTIMEO -> {
                long timeout = Math.max(0, socket.timeout(option));
                byte[] bytes = new byte[16];
                LONG.set(bytes, 0, timeout / SECOND);
                LONG.set(bytes, 8, timeout % SECOND / 1000);
                yield bytes;
            }
            default -> throw errno(ENOPROTOOPT);
        };
    }

    static void set(UnixSocket socket, int level, int option, byte[] value) throws ErrnoException {
        if (level != SOL_SOCKET) {
            throw errno(EOPNOTSUPP);
        }
        if (value.length < 4) {
            throw errno(EINVAL);
        }
        int number = (int) INT.get(value, 0);
        switch (option) {
            case SO_PASSCRED -> socket.passCredentials = number != 0;
            case SO_SNDBUF, SO_SNDBUFFORCE -> socket.sendBuffer = buffer(number, MIN_SEND_BUFFER);
            case SO_RCVBUF, SO_RCVBUFFORCE ->
                    socket.receiveBuffer = buffer(number, MIN_RECEIVE_BUFFER);
            case SO_RCVTIMEO, SO_SNDTIMEO -> {
                if (value.length < 16) {
                    throw errno(EINVAL);
                }
                long seconds = (long) LONG.get(value, 0);
                long micros = (long) LONG.get(value, 8);
                if (micros < 0 || micros >= 1_000_000) {
                    throw errno(dev.thaw.abi.Errno.EDOM);
                }
                long nanos =
                        seconds < 0 || seconds > Integer.MAX_VALUE
                                ? 0
                                : seconds * SECOND + micros * 1000;
                socket.setTimeout(option, nanos == 0 ? -1 : nanos);
            }
            case SO_REUSEADDR,
                    SO_KEEPALIVE,
                    SO_BROADCAST,
                    SO_LINGER,
                    SO_PRIORITY,
                    SO_OOBINLINE,
                    SO_DONTROUTE,
                    SO_RCVLOWAT,
                    SO_TIMESTAMP,
                    SO_TIMESTAMPNS,
                    SO_PASSSEC -> {}
            default -> throw errno(ENOPROTOOPT);
        }
    }

    /** Linux doubles what is asked for, up to twice net.core.wmem_max. */
    private static int buffer(int wanted, int min) {
        return Math.max(min, 2 * (wanted < 0 ? MAX_BUFFER : Math.min(wanted, MAX_BUFFER)));
    }

    private static byte[] ofInt(int value) {
        byte[] bytes = new byte[4];
        INT.set(bytes, 0, value);
        return bytes;
    }

    private UnixOptions() {}
}
