package dev.thaw.sentry.net.unix;

import static dev.thaw.abi.Errno.EAFNOSUPPORT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Socket.AF_UNIX;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.nio.charset.StandardCharsets;

/**
 * {@code struct sockaddr_un}: two bytes of family, then up to 108 of name. As a string: empty for unnamed, a path, or an abstract name that begins with NUL and whose every byte counts.
 */
final class UnixAddress {
    private static final int PATH_MAX = 108;

    /** The name in {@code address}; empty when there is only a family. */
    static String parse(byte[] address) throws ErrnoException {
        if (address.length < 2 || address.length > PATH_MAX + 2) {
            throw errno(EINVAL);
        }
        if ((address[0] & 0xff | (address[1] & 0xff) << 8) != AF_UNIX) {
            throw errno(address.length == 2 ? EINVAL : EAFNOSUPPORT);
        }
        int end = address.length;
        if (end > 2 && address[2] != 0) {
            end = 2;
            while (end < address.length && address[end] != 0) {
                end++;
            }
        }
        return new String(address, 2, end - 2, StandardCharsets.ISO_8859_1);
    }

    /** The bytes that getsockname(2) gives for {@code name}; a path has its NUL counted. */
    static byte[] format(String name) {
        boolean path = !name.isEmpty() && name.charAt(0) != 0;
        byte[] bytes = new byte[2 + name.length() + (path ? 1 : 0)];
        bytes[0] = AF_UNIX;
        for (int i = 0; i < name.length(); i++) {
            bytes[2 + i] = (byte) name.charAt(i);
        }
        return bytes;
    }

    static boolean isAbstract(String name) {
        return !name.isEmpty() && name.charAt(0) == 0;
    }

    private UnixAddress() {}
}
