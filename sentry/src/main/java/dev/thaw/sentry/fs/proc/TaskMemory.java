package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.ExecLayout;
import dev.thaw.sentry.mm.Mapping;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.MountNamespace;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** What procfs shows of a process's memory: maps, cmdline, environ, auxv. */
final class TaskMemory {
    private static final int MAX_STRINGS = 2 << 20;
    private static final int PATH_COLUMN = 73;

    /** The arguments, each with its NUL, as they stand on the stack now. */
    static byte[] cmdline(Subject subject, @Nullable Task reader) {
        MemoryManager mm = subject.task().mmOrNull();
        if (mm == null) {
            return new byte[0];
        }
        ExecLayout layout = mm.execLayout();
        byte[] bytes = copy(mm, layout.argStart(), layout.argEnd());
        if (bytes.length > 0 && bytes[bytes.length - 1] != 0) {
            // A title that was written over the arguments: it ends at its NUL, maybe within the
            // environment (proc(5)).
            byte[] more = copy(mm, layout.argEnd(), layout.envEnd());
            int end = 0;
            while (end < more.length && more[end] != 0) {
                end++;
            }
            byte[] title = java.util.Arrays.copyOf(bytes, bytes.length + end);
            System.arraycopy(more, 0, title, bytes.length, end);
            return title;
        }
        return bytes;
    }

    static byte[] environ(Subject subject, @Nullable Task reader) throws ErrnoException {
        subject.check(reader);
        MemoryManager mm = subject.task().mmOrNull();
        if (mm == null) {
            return new byte[0];
        }
        ExecLayout layout = mm.execLayout();
        return copy(mm, layout.envStart(), layout.envEnd());
    }

    static byte[] auxv(Subject subject, @Nullable Task reader) throws ErrnoException {
        subject.check(reader);
        MemoryManager mm = subject.task().mmOrNull();
        if (mm == null) {
            return new byte[0];
        }
        long[] auxv = mm.execLayout().auxv();
        ByteBuffer bytes =
                ByteBuffer.allocate(auxv.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(auxv);
        return bytes.array();
    }

    /** The bytes of {@code [start, end)}, as far as they can be read. */
    private static byte[] copy(MemoryManager mm, long start, long end) {
        if (start == 0 || end <= start) {
            return new byte[0];
        }
        byte[] bytes = new byte[(int) Math.min(end - start, MAX_STRINGS)];
        int done = 0;
        while (done < bytes.length) {
            int step = (int) Math.min(bytes.length - done, 4096 - (start + done & 4095));
            try {
                mm.copyIn(start + done, MemorySegment.ofArray(bytes), done, step);
            } catch (ErrnoException e) {
                return java.util.Arrays.copyOf(bytes, done);
            }
            done += step;
        }
        return bytes;
    }

    static byte[] maps(Subject subject, @Nullable Task reader) throws ErrnoException {
        subject.check(reader);
        Text text = new Text();
        MemoryManager mm = subject.task().mmOrNull();
        if (mm != null) {
            for (Mapping mapping : mm.mappings()) {
                line(text, mapping, reader == null ? subject.task() : reader);
            }
        }
        return text.bytes();
    }

    static byte[] smaps(Subject subject, @Nullable Task reader) throws ErrnoException {
        subject.check(reader);
        Text text = new Text();
        MemoryManager mm = subject.task().mmOrNull();
        if (mm != null) {
            for (Mapping mapping : mm.mappings()) {
                line(text, mapping, reader == null ? subject.task() : reader);
                long resident = residentKb(mm, mapping);
                boolean shared = (mapping.flags() & MAP_SHARED) != 0;
                kb(text, "Size", (mapping.end() - mapping.start()) / 1024);
                kb(text, "KernelPageSize", 4);
                kb(text, "MMUPageSize", 4);
                sizes(text, resident, shared, mapping.file() == null);
                text.add("THPeligible:           0\n");
                text.add("VmFlags:")
                        .add((mapping.prot() & PROT_READ) != 0 ? " rd" : "")
                        .add((mapping.prot() & PROT_WRITE) != 0 ? " wr" : "")
                        .add((mapping.prot() & PROT_EXEC) != 0 ? " ex" : "")
                        .add(shared ? " sh" : "")
                        .add(" mr mw me \n");
            }
        }
        return text.bytes();
    }

    static byte[] smapsRollup(Subject subject, @Nullable Task reader) throws ErrnoException {
        subject.check(reader);
        Text text = new Text();
        MemoryManager mm = subject.task().mmOrNull();
        if (mm != null) {
            var mappings = mm.mappings();
            long end = mappings.isEmpty() ? 0 : mappings.getLast().end();
            long start = mappings.isEmpty() ? 0 : mappings.getFirst().start();
            text.hex(start, 8)
                    .add('-')
                    .hex(end, 8)
                    .add(" ---p 00000000 00:00 0 ")
                    .padTo(PATH_COLUMN)
                    .add("[rollup]\n");
            sizes(text, mm.advice().residentBytes() / 1024, false, true);
        }
        return text.bytes();
    }

    private static void sizes(Text text, long resident, boolean shared, boolean anonymous) {
        kb(text, "Rss", resident);
        kb(text, "Pss", resident);
        kb(text, "Pss_Dirty", shared ? 0 : resident);
        kb(text, "Shared_Clean", 0);
        kb(text, "Shared_Dirty", shared ? resident : 0);
        kb(text, "Private_Clean", 0);
        kb(text, "Private_Dirty", shared ? 0 : resident);
        kb(text, "Referenced", resident);
        kb(text, "Anonymous", anonymous ? resident : 0);
        for (String name :
                new String[] {
                    "LazyFree",
                    "AnonHugePages",
                    "ShmemPmdMapped",
                    "FilePmdMapped",
                    "Shared_Hugetlb",
                    "Private_Hugetlb",
                    "Swap",
                    "SwapPss",
                    "Locked"
                }) {
            kb(text, name, 0);
        }
    }

    private static void kb(Text text, String name, long value) {
        text.left(name + ":", 16).right(value, 8).add(" kB\n");
    }

    private static long residentKb(MemoryManager mm, Mapping mapping) {
        try {
            long pages = 0;
            for (byte b : mm.advice().residency(mapping.start(), mapping.end() - mapping.start())) {
                pages += b & 1;
            }
            return pages * 4;
        } catch (ErrnoException e) {
            return 0; // unmapped meanwhile
        }
    }

    /** One line as {@code show_map_vma} makes it: the name starts at column 73. */
    private static void line(Text text, Mapping mapping, Task reader) {
        Text line = new Text();
        int prot = mapping.prot();
        line.hex(mapping.start(), 8).add('-').hex(mapping.end(), 8).add(' ');
        line.add((prot & PROT_READ) != 0 ? 'r' : '-')
                .add((prot & PROT_WRITE) != 0 ? 'w' : '-')
                .add((prot & PROT_EXEC) != 0 ? 'x' : '-');
        line.add((mapping.flags() & MAP_SHARED) != 0 ? 's' : 'p').add(' ');
        FileDescription file = mapping.file();
        String name = mapping.name();
        if (file == null) {
            line.hex(0, 8).add(" 00:00 0 ");
        } else {
            Inode inode = file.inode();
            long device = inode.fs().device();
            line.hex(mapping.offset(), 8)
                    .add(' ')
                    .hex(device >>> 8 & 0xfff, 2)
                    .add(':')
                    .hex(device & 0xff, 2)
                    .add(' ')
                    .add(inode.ino())
                    .add(' ');
            name = Text.escape(pathOf(file, reader), "\n");
        }
        if (!name.isEmpty()) {
            line.padTo(PATH_COLUMN).add(name);
        }
        text.add(new String(line.bytes(), java.nio.charset.StandardCharsets.ISO_8859_1)).line();
    }

    static String pathOf(FileDescription file, Task reader) {
        Location at = file.location();
        if (at == null) {
            return file.description();
        }
        var context = reader.fsOrNull();
        return MountNamespace.pathOf(at, context == null ? reader.fs().root() : context.root());
    }

    private TaskMemory() {}
}
