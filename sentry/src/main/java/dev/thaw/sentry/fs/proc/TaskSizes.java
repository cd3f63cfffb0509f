package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_WRITE;

import dev.thaw.sentry.mm.Mapping;
import dev.thaw.sentry.mm.MemoryManager;

/** Sizes of an address space by kind, in kB. {@code residentFile} is an estimate: file mappings are taken to be resident as far as the whole allows. */
record TaskSizes(
        long total,
        long resident,
        long residentFile,
        long data,
        long stack,
        long text,
        long library) {
    static TaskSizes of(MemoryManager mm) {
        long total = 0;
        long data = 0;
        long stack = 0;
        long text = 0;
        long library = 0;
        long file = 0;
        long codeStart = mm.execLayout().codeStart();
        for (Mapping mapping : mm.mappings()) {
            long size = mapping.end() - mapping.start() >>> 10;
            total += size;
            if (mapping.file() != null) {
                file += size;
            }
            if (mapping.name().equals("[stack]")) {
                stack += size;
            } else if ((mapping.prot() & PROT_EXEC) != 0) {
                if (mapping.start() <= codeStart && codeStart < mapping.end()) {
                    text += size;
                } else {
                    library += size;
                }
            } else if ((mapping.prot() & PROT_WRITE) != 0 && (mapping.flags() & MAP_SHARED) == 0) {
                data += size;
            }
        }
        long resident = mm.advice().residentBytes() >>> 10;
        return new TaskSizes(
                total, resident, Math.min(file, resident / 2), data, stack, text, library);
    }
}
