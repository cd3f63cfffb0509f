package dev.thaw.store.archive;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes plain files as a POSIX tar (ustar), the same bytes for the same files. Sizes beyond 8 GiB are in base 256, as GNU tar writes them. */
final class TarWriter {
    static final int BLOCK = 512;
    static final int NAME = 100;
    private static final long OCTAL_LIMIT = 1L << 33;

    private final OutputStream out;
    private long left;
    private long size;

    TarWriter(OutputStream out) {
        this.out = out;
    }

    /** Begins a file of {@code length} bytes, which are then written with {@link #write}. */
    void file(String name, long length) throws IOException {
        endFile();
        byte[] raw = name.getBytes(StandardCharsets.US_ASCII);
        if (raw.length > NAME) {
            throw new IOException("the name " + name + " is too long for a tar archive");
        }
        byte[] header = new byte[BLOCK];
        System.arraycopy(raw, 0, header, 0, raw.length);
        octal(header, 100, 8, 0600);
        octal(header, 108, 8, 0);
        octal(header, 116, 8, 0);
        if (length < OCTAL_LIMIT) {
            octal(header, 124, 12, length);
        } else {
            header[124] = (byte) 0x80;
            for (int i = 0; i < Long.BYTES; i++) {
                header[128 + i] = (byte) (length >>> (56 - 8 * i));
            }
        }
        octal(header, 136, 12, 0);
        header[156] = '0';
        byte[] magic = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
        System.arraycopy(magic, 0, header, 257, magic.length);
        octal(header, 148, 7, checksum(header));
        header[155] = ' ';
        out.write(header);
        left = length;
        size = length;
    }

    void write(byte[] bytes, int length) throws IOException {
        if (length > left) {
            throw new IOException("a file is longer than was said");
        }
        out.write(bytes, 0, length);
        left -= length;
    }

    /** Ends the archive; does not close what it is written to. */
    void finish() throws IOException {
        endFile();
        out.write(new byte[2 * BLOCK]);
        out.flush();
    }

    private void endFile() throws IOException {
        if (left != 0) {
            throw new IOException("a file is shorter than was said");
        }
        out.write(new byte[(int) (-size & (BLOCK - 1))]);
        size = 0;
    }

    /** The sum of a header's bytes, its checksum field taken for blanks. */
    static long checksum(byte[] header) {
        byte[] blank = header.clone();
        Arrays.fill(blank, 148, 156, (byte) ' ');
        long sum = 0;
        for (byte b : blank) {
            sum += b & 0xff;
        }
        return sum;
    }

    private static void octal(byte[] header, int at, int length, long value) {
        byte[] digits =
                String.format("%0" + (length - 1) + "o", value).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(digits, 0, header, at, digits.length);
    }
}
