package dev.thaw.sentry.loader;

import static dev.thaw.abi.Elf.PF_R;
import static dev.thaw.abi.Elf.PF_W;
import static dev.thaw.abi.Elf.PF_X;
import static dev.thaw.abi.Errno.ELIBBAD;
import static dev.thaw.abi.Errno.ELOOP;
import static dev.thaw.abi.Errno.ENOEXEC;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Mman.MAP_ANONYMOUS;
import static dev.thaw.abi.Mman.MAP_FIXED;
import static dev.thaw.abi.Mman.MAP_FIXED_NOREPLACE;
import static dev.thaw.abi.Mman.MAP_GROWSDOWN;
import static dev.thaw.abi.Mman.MAP_PRIVATE;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_NONE;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.platform.Platform;
import dev.thaw.platform.Registers;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.ExecLayout;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.vfs.FileDescription;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes an address space from a program file: scripts, static and dynamic ELF programs (Linux: {@code fs/exec.c}, {@code fs/binfmt_elf.c}). */
public final class Loader {
    private static final long PAGE = 4096;
    private static final int MAX_SCRIPTS = 5;

    /** Linux makes the fresh stack this much larger than what stands on it (stack_expand). */
    private static final long STACK_EXPAND = 128 << 10;

    private final Platform platform;
    private final Task task;
    private final LoadRequest request;

    private Loader(Platform platform, Task task, LoadRequest request) {
        this.platform = platform;
        this.task = task;
        this.request = request;
    }

    /** Loads what {@code request} says, for {@code task}. On failure nothing is left behind and the task's old program can go on. */
    public static Program load(Platform platform, Task task, LoadRequest request)
            throws ErrnoException {
        StackImage.checkLimit(request.argv(), request.env(), request.stackLimit());
        return new Loader(platform, task, request).loadScriptOrElf();
    }

    private Program loadScriptOrElf() throws ErrnoException {
        List<String> argv = request.argv().isEmpty() ? List.of("") : request.argv();
        FileDescription file = request.file().acquire();
        String path = request.path();
        try {
            for (int depth = 0; ; depth++) {
                byte[] head = new FileReader(task, file).read(0, Script.HEAD);
                if (!Script.isScript(head)) {
                    if (!ElfImage.isElf(head, head.length)) {
                        throw errno(ENOEXEC);
                    }
                    return loadElf(file, argv);
                }
                if (depth == MAX_SCRIPTS) {
                    throw errno(ELOOP);
                }
                Script script = Script.parse(head);
                ArrayList<String> next = new ArrayList<>(argv.size() + 2);
                next.add(script.interpreter());
                if (script.argument() != null) {
                    next.add(script.argument());
                }
                next.add(path);
                next.addAll(argv.subList(1, argv.size()));
                argv = next;
                path = script.interpreter();
                FileDescription interpreter = request.opener().open(path);
                file.close();
                file = interpreter;
            }
        } finally {
            file.close();
        }
    }

    private Program loadElf(FileDescription file, List<String> argv) throws ErrnoException {
        ElfImage image = ElfImage.read(new FileReader(task, file));
        if (image.interpreter == null) {
            return build(file, image, null, null, argv);
        }
        try (FileDescription interpreterFile = request.opener().open(image.interpreter)) {
            ElfImage interpreter;
            try {
                interpreter = ElfImage.read(new FileReader(task, interpreterFile));
            } catch (ErrnoException e) {
                throw errno(e.errno() == ENOEXEC ? ELIBBAD : e.errno());
            }
            return build(file, image, interpreterFile, interpreter, argv);
        }
    }

    private Program build(
            FileDescription file,
            ElfImage image,
            @Nullable FileDescription interpreterFile,
            @Nullable ElfImage interpreter,
            List<String> argv)
            throws ErrnoException {
        MemoryManager mm = new MemoryManager(platform);
        boolean done = false;
        try {
            mm.setLimits(request.stackLimit(), request.dataLimit(), request.addressSpaceLimit());
            long maxAddress = Math.min(platform.maxAddress(), 0x7ffffffff000L) & -PAGE;
            AddressPlan plan = AddressPlan.make(maxAddress, request.stackLimit(), request.random());
            mm.setLayout(plan.mmapBase(), 0);
            long bias = 0;
            if (image.dynamic) {
                bias = (plan.programBase() & -image.alignment) - (image.low() & -image.alignment);
            }
            mapImage(mm, file, image, bias);
            long entry = bias + image.entry;
            long start = entry;
            long base = 0;
            if (interpreter != null && interpreterFile != null) {
                base = mapInterpreter(mm, interpreterFile, interpreter);
                start = base + interpreter.entry;
            }
            long end = bias + image.low() + image.span();
            mm.setLayout(plan.mmapBase(), (end + PAGE - 1 & -PAGE) + plan.heapGap());
            long phdr = image.programHeaderAddress == 0 ? 0 : bias + image.programHeaderAddress;
            long vdso = task.kernel().vdso().map(mm);
            long[] auxv = Auxiliary.make(request, phdr, image.programHeaders, base, entry, vdso);
            StackImage stack = putStack(mm, plan, argv, auxv, image.executableStack);
            mm.setExecLayout(layout(file.acquire(), image, bias, stack));
            Registers registers = new Registers();
            registers.rip = start;
            registers.rsp = stack.stackPointer;
            done = true;
            return new Program(mm, registers, name(request.path()));
        } finally {
            if (!done) {
                mm.close();
            }
        }
    }

    private static ExecLayout layout(
            FileDescription file, ElfImage image, long bias, StackImage stack) {
        long codeStart = Long.MAX_VALUE;
        long codeEnd = 0;
        long dataStart = 0;
        long dataEnd = 0;
        for (ElfImage.Segment segment : image.segments) {
            codeStart = Math.min(codeStart, bias + segment.address());
            if ((segment.flags() & PF_X) != 0) {
                codeEnd = Math.max(codeEnd, bias + segment.address() + segment.fileSize());
            }
            dataStart = Math.max(dataStart, bias + segment.address());
            dataEnd = Math.max(dataEnd, bias + segment.address() + segment.fileSize());
        }
        return new ExecLayout(
                codeStart,
                codeEnd,
                dataStart,
                dataEnd,
                stack.stackPointer,
                stack.argStart,
                stack.argEnd,
                stack.envStart,
                stack.envEnd,
                stack.auxv,
                file);
    }

    private static long mapInterpreter(MemoryManager mm, FileDescription file, ElfImage image)
            throws ErrnoException {
        long bias = 0;
        if (image.dynamic) {
            // A reservation finds the place; the segments then go over it.
            long room = image.span() + (image.alignment - PAGE);
            long place = mm.mmap(0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
            mm.munmap(place, room);
            bias = (place + image.alignment - 1 & -image.alignment) - image.low();
        }
        try {
            mapImage(mm, file, image, bias);
        } catch (ErrnoException e) {
            throw errno(e.errno() == ENOEXEC ? ELIBBAD : e.errno());
        }
        return bias;
    }

    /** Maps the segments and clears what lies between their content and their end. */
    private static void mapImage(MemoryManager mm, FileDescription file, ElfImage image, long bias)
            throws ErrnoException {
        long mappedEnd = 0;
        for (ElfImage.Segment segment : image.segments) {
            int prot =
                    ((segment.flags() & PF_R) != 0 ? PROT_READ : 0)
                            | ((segment.flags() & PF_W) != 0 ? PROT_WRITE : 0)
                            | ((segment.flags() & PF_X) != 0 ? PROT_EXEC : 0);
            long address = bias + segment.address();
            long page = address & -PAGE;
            long fileEnd = address + segment.fileSize();
            long end = bias + segment.end() + PAGE - 1 & -PAGE;
            if (segment.memorySize() == 0) {
                continue;
            }
            long anonymous = page;
            if (segment.fileSize() > 0) {
                int how =
                        page >= mappedEnd
                                ? MAP_FIXED_NOREPLACE
                                : MAP_FIXED; // segments may share a page with their elder
                mm.mmap(
                        page,
                        fileEnd - page,
                        prot,
                        MAP_PRIVATE | how,
                        file,
                        segment.offset() & -PAGE);
                anonymous = fileEnd + PAGE - 1 & -PAGE;
                if (segment.memorySize() > segment.fileSize()
                        && (prot & PROT_WRITE) != 0
                        && fileEnd < anonymous) {
                    mm.zeroOut(fileEnd, anonymous - fileEnd);
                }
            } else {
                anonymous = Math.max(page, mappedEnd);
            }
            if (end > anonymous) {
                mm.mmap(
                        anonymous,
                        end - anonymous,
                        prot,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                        null,
                        0);
            }
            mappedEnd = Math.max(mappedEnd, end);
        }
    }

    private StackImage putStack(
            MemoryManager mm, AddressPlan plan, List<String> argv, long[] auxv, boolean executable)
            throws ErrnoException {
        byte[] random = new byte[16];
        request.random().fill(random);
        StackImage stack =
                new StackImage(plan.stackTop(), request.path(), argv, request.env(), random, auxv);
        long size = stack.bytes.length + PAGE - 1 & -PAGE;
        long expanded =
                request.stackLimit() < 0
                        ? size + STACK_EXPAND
                        : Math.min(size + STACK_EXPAND, request.stackLimit() & -PAGE);
        if (expanded < size) {
            throw errno(ENOMEM);
        }
        int prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE;
        mm.mmap(plan.stackTop() - expanded, expanded, prot, flags, null, 0);
        mm.copyOutBytes(stack.stackPointer, stack.bytes);
        return stack;
    }

    private static String name(String path) {
        String base = path.substring(path.lastIndexOf('/') + 1);
        return base.length() > 15 ? base.substring(0, 15) : base;
    }
}
