package dev.thaw.sentry.loader;

import static dev.thaw.abi.Elf.ELFCLASS64;
import static dev.thaw.abi.Elf.ELFDATA2LSB;
import static dev.thaw.abi.Elf.EM_X86_64;
import static dev.thaw.abi.Elf.ET_DYN;
import static dev.thaw.abi.Elf.ET_EXEC;
import static dev.thaw.abi.Elf.PF_X;
import static dev.thaw.abi.Elf.PT_GNU_STACK;
import static dev.thaw.abi.Elf.PT_INTERP;
import static dev.thaw.abi.Elf.PT_LOAD;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOEXEC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The headers of an x86-64 ELF file, checked: whatever stands here may be used without further doubt. The file is the guest's, so every number is hostile. Errors are Linux's
 * ({@code fs/binfmt_elf.c}): ENOEXEC for what is no program of this machine, EINVAL for segments that can not be.
 *
 * <pre>
 * Elf64_Ehdr: 0 e_ident[16] 16 e_type 18 e_machine 24 e_entry 32 e_phoff 54 e_phentsize 56 e_phnum (64 bytes)
 * Elf64_Phdr: 0 p_type 4 p_flags 8 p_offset 16 p_vaddr 32 p_filesz 40 p_memsz 48 p_align (56 bytes)
 * </pre>
 */
final class ElfImage {
    static final int HEADER_SIZE = 64;
    static final int PROGRAM_HEADER_SIZE = 56;
    private static final int MAX_HEADERS_BYTES = 65536;
    private static final long ADDRESS_LIMIT = 1L << 47;

    /** A PT_LOAD segment. */
    record Segment(int flags, long offset, long address, long fileSize, long memorySize) {
        long end() {
            return address + memorySize;
        }
    }

    final boolean dynamic;
    final long entry;
    final long programHeaderOffset;
    final int programHeaders;

    /** In the file's order. */
    final Segment[] segments;

    final @Nullable String interpreter;
    final boolean executableStack;

    /** The largest alignment a segment wants, at least a page. */
    final long alignment;

    /** Where the program headers stand in memory before the load bias, 0 when no segment holds them. */
    final long programHeaderAddress;

    private ElfImage(
            ByteBuffer header,
            Segment[] segments,
            @Nullable String interpreter,
            boolean executableStack,
            long alignment) {
        this.dynamic = header.getShort(16) == ET_DYN;
        this.entry = header.getLong(24);
        this.programHeaderOffset = header.getLong(32);
        this.programHeaders = header.getShort(56) & 0xffff;
        this.segments = segments;
        this.interpreter = interpreter;
        this.executableStack = executableStack;
        this.alignment = alignment;
        long found = 0;
        for (Segment segment : segments) {
            if (segment.offset <= programHeaderOffset
                    && programHeaderOffset < segment.offset + segment.fileSize) {
                found = programHeaderOffset - segment.offset + segment.address;
                break;
            }
        }
        this.programHeaderAddress = found;
    }

    /** Whether {@code head} (the file's first bytes) begins like an ELF file. */
    static boolean isElf(byte[] head, int length) {
        return length >= 4 && head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' && head[3] == 'F';
    }

    static ElfImage read(FileReader file) throws ErrnoException {
        ByteBuffer header =
                ByteBuffer.wrap(file.readFully(0, HEADER_SIZE)).order(ByteOrder.LITTLE_ENDIAN);
        int type = header.getShort(16);
        int size = (header.getShort(56) & 0xffff) * PROGRAM_HEADER_SIZE;
        if (!isElf(header.array(), HEADER_SIZE)
                || header.get(4) != ELFCLASS64
                || header.get(5) != ELFDATA2LSB
                || (type != ET_EXEC && type != ET_DYN)
                || header.getShort(18) != EM_X86_64
                || header.getShort(54) != PROGRAM_HEADER_SIZE
                || size == 0
                || size > MAX_HEADERS_BYTES
                || header.getLong(32) < 0
                || header.getLong(32) > Long.MAX_VALUE - size) {
            throw errno(ENOEXEC);
        }
        ByteBuffer table =
                ByteBuffer.wrap(file.readFully(header.getLong(32), size))
                        .order(ByteOrder.LITTLE_ENDIAN);
        int loads = 0;
        for (int at = 0; at < size; at += PROGRAM_HEADER_SIZE) {
            loads += table.getInt(at) == PT_LOAD ? 1 : 0;
        }
        if (loads == 0) {
            throw errno(ENOEXEC);
        }
        Segment[] segments = new Segment[loads];
        int next = 0;
        String interpreter = null;
        boolean executableStack = false;
        long alignment = 4096;
        for (int at = 0; at < size; at += PROGRAM_HEADER_SIZE) {
            switch (table.getInt(at)) {
                case PT_LOAD -> {
                    segments[next] = segment(table, at);
                    if (next > 0 && segments[next].address < segments[next - 1].address) {
                        throw errno(EINVAL);
                    }
                    next++;
                    long wanted = table.getLong(at + 48);
                    if (wanted > alignment && Long.bitCount(wanted) == 1 && wanted <= 1L << 30) {
                        alignment = wanted;
                    }
                }
                case PT_INTERP -> {
                    if (interpreter == null) {
                        interpreter =
                                interpreter(file, table.getLong(at + 8), table.getLong(at + 32));
                    }
                }
                case PT_GNU_STACK -> executableStack = (table.getInt(at + 4) & PF_X) != 0;
                default -> {}
            }
        }
        return new ElfImage(header, segments, interpreter, executableStack, alignment);
    }

    private static Segment segment(ByteBuffer table, int at) throws ErrnoException {
        Segment segment =
                new Segment(
                        table.getInt(at + 4),
                        table.getLong(at + 8),
                        table.getLong(at + 16),
                        table.getLong(at + 32),
                        table.getLong(at + 40));
        if (segment.offset < 0
                || segment.address < 0
                || segment.fileSize < 0
                || segment.memorySize < segment.fileSize
                || segment.memorySize > ADDRESS_LIMIT
                || segment.address > ADDRESS_LIMIT - segment.memorySize
                || segment.offset > Long.MAX_VALUE / 2 - segment.fileSize
                || (segment.fileSize > 0 && (segment.offset - segment.address) % 4096 != 0)) {
            throw errno(EINVAL);
        }
        return segment;
    }

    private static String interpreter(FileReader file, long offset, long size)
            throws ErrnoException {
        if (size < 2 || size > 4096 || offset < 0 || offset > Long.MAX_VALUE - size) {
            throw errno(ENOEXEC);
        }
        byte[] path = file.readFully(offset, (int) size);
        if (path[path.length - 1] != 0) {
            throw errno(ENOEXEC);
        }
        int length = 0;
        while (path[length] != 0) {
            length++;
        }
        return new String(path, 0, length, StandardCharsets.ISO_8859_1);
    }

    /** First address of the first segment, rounded down to a page. */
    long low() {
        return segments[0].address & -4096;
    }

    /** Bytes from {@link #low} to the end of the highest segment. */
    long span() {
        long end = 0;
        for (Segment segment : segments) {
            end = Math.max(end, segment.end());
        }
        return end - low();
    }
}
