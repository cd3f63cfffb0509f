package dev.thaw.store.archive;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads a tar file by file. It may be forged: only plain files and directories are taken, and what {@link #next} gives is as yet only a claim. */
final class TarReader {
    /** What a header says. */
    record Entry(String name, boolean directory, long size) {}

    private final InputStream in;
    private long left;
    private int padding;

    TarReader(InputStream in) {
        this.in = in;
    }

    /** The next entry, after skipping what was not read of the one before; null at the end. */
    @Nullable Entry next() throws IOException {
        skip(left);
        skip(padding);
        byte[] header = new byte[TarWriter.BLOCK];
        int count = in.readNBytes(header, 0, header.length);
        if (count == 0) {
            throw new ImageException("archive is cut short");
        }
        if (count < header.length) {
            throw new ImageException("archive is cut short");
        }
        if (isZero(header)) {
            return null;
        }
        if (octal(header, 148, 8) != TarWriter.checksum(header)) {
            throw new ImageException("archive is damaged: a header's checksum differs");
        }
        char type = (char) (header[156] & 0xff);
        if (type != '0' && type != 0 && type != '5') {
            throw new ImageException("archive holds something that is no plain file");
        }
        String name = text(header, 0, TarWriter.NAME);
        String prefix = text(header, 345, 155);
        long size = size(header);
        if (size < 0 || (type == '5' && size != 0)) {
            throw new ImageException("archive claims a file of " + size + " bytes");
        }
        left = size;
        padding = (int) (-size & (TarWriter.BLOCK - 1));
        return new Entry(prefix.isEmpty() ? name : prefix + "/" + name, type == '5', size);
    }

    /** Up to {@code bytes.length} bytes of the current file; 0 at its end. */
    int read(byte[] bytes) throws IOException {
        int wanted = (int) Math.min(bytes.length, left);
        if (wanted == 0) {
            return 0;
        }
        int count = in.read(bytes, 0, wanted);
        if (count <= 0) {
            throw new ImageException("archive is cut short");
        }
        left -= count;
        return count;
    }

    private void skip(long count) throws IOException {
        byte[] waste = new byte[1 << 13];
        for (long rest = count; rest > 0; ) {
            int got = in.read(waste, 0, (int) Math.min(waste.length, rest));
            if (got <= 0) {
                throw new ImageException("archive is cut short");
            }
            rest -= got;
        }
    }

    private static boolean isZero(byte[] header) {
        for (byte b : header) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private static long size(byte[] header) {
        if ((header[124] & 0x80) == 0) {
            return octal(header, 124, 12);
        }
        long size = 0;
        for (int i = 125; i < 136; i++) {
            if (size > Long.MAX_VALUE >> 8) {
                return -1;
            }
            size = size << 8 | (header[i] & 0xff);
        }
        return size;
    }

    private static long octal(byte[] header, int at, int length) {
        long value = 0;
        for (int i = at; i < at + length; i++) {
            int c = header[i] & 0xff;
            if (c == 0 || c == ' ') {
                if (i == at && c == ' ') {
                    continue;
                }
                break;
            }
            if (c < '0' || c > '7') {
                return -1;
            }
            value = value << 3 | (c - '0');
        }
        return value;
    }

    private static String text(byte[] header, int at, int length) {
        int end = at;
        while (end < at + length && header[end] != 0) {
            end++;
        }
        return new String(header, at, end - at, StandardCharsets.ISO_8859_1);
    }
}
