package dev.thaw.sentry.mm;

import dev.thaw.platform.Platform;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.state.ImageException;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;

/** What a checkpoint keeps of an address space. Pages are named by their offsets in the memory file, which a restore keeps; the host's side is not kept. */
final class MmState {
    /** {@code runs}: see {@link PageRuns}. {@code layout}: the nine addresses of {@link ExecLayout} in order. {@code executable} is a file description. */
    @StateType(id = 0x0200, version = 1)
    record State(
            List<VmaState> vmas,
            long[] runs,
            long mmapBase,
            long brkStart,
            long brk,
            long stackLimit,
            long addressSpaceLimit,
            long dataLimit,
            int defaultLocked,
            long[] layout,
            long[] auxv,
            int executable) {}

    /** {@code mappable} and {@code file} are object ids, 0 for none. */
    @StateType(id = 0x0201, version = 1)
    record VmaState(
            long start,
            long end,
            int prot,
            int maxProt,
            int flags,
            int mappable,
            long fileOffset,
            int file,
            String name) {}

    static State save(MemoryManager mm, SaveContext context) {
        mm.mu.lock();
        try {
            ArrayList<VmaState> vmas = new ArrayList<>(mm.vmas.size());
            for (int i = 0; i < mm.vmas.size(); i++) {
                Vma vma = mm.vmas.get(i);
                vmas.add(
                        new VmaState(
                                vma.start,
                                vma.end,
                                vma.prot,
                                vma.maxProt,
                                vma.flags,
                                context.ref(vma.mappable),
                                vma.fileOffset,
                                context.ref(vma.file),
                                vma.name));
            }
            ExecLayout layout = mm.execLayout();
            return new State(
                    vmas,
                    PageRuns.save(mm.table, mm.maxAddress),
                    mm.mmapBase,
                    mm.brkStart,
                    mm.brk,
                    mm.stackLimit,
                    mm.addressSpaceLimit,
                    mm.dataLimit,
                    mm.defaultLocked,
                    new long[] {
                        layout.codeStart(),
                        layout.codeEnd(),
                        layout.dataStart(),
                        layout.dataEnd(),
                        layout.stackStart(),
                        layout.argStart(),
                        layout.argEnd(),
                        layout.envStart(),
                        layout.envEnd()
                    },
                    layout.auxv(),
                    context.ref(layout.executable()));
        } finally {
            mm.mu.unlock();
        }
    }

    static final Restorer<State, MemoryManager> RESTORER =
            new Restorer<>() {
                @Override
                public MemoryManager create(State state, RestoreContext context) {
                    MemoryManager mm = new MemoryManager(context.service(Platform.class));
                    mm.forgetUsers(); // the tasks count themselves as they are linked
                    return mm;
                }

                @Override
                public void link(MemoryManager mm, State state, RestoreContext context) {
                    restore(mm, state, context);
                }
            };

    private static void restore(MemoryManager mm, State state, RestoreContext context) {
        mm.mu.lock();
        try {
            long last = 0;
            for (VmaState saved : state.vmas) {
                if (saved.start < last
                        || saved.end <= saved.start
                        || saved.end > mm.maxAddress
                        || (saved.start | saved.end) % PageTable.PAGE != 0) {
                    throw new ImageException(
                            "an address space of the image is damaged, or made for a platform with more room");
                }
                last = saved.end;
                FileDescription file = context.getOrNull(saved.file, FileDescription.class);
                Vma vma =
                        new Vma(
                                saved.start,
                                saved.end,
                                saved.prot & Mappings.PROT_ALL,
                                saved.maxProt & Mappings.PROT_ALL,
                                saved.flags,
                                context.getOrNull(saved.mappable, Mappable.class),
                                saved.fileOffset,
                                file == null ? null : file.restoreReference(),
                                saved.name);
                mm.vmas.insert(vma);
                if (vma.mappable != null) {
                    vma.mappable.addMapping(mm, vma.start, vma.fileOffset, vma.length());
                }
            }
            PageRuns.restore(mm.table, state.runs, mm.maxAddress, mm.memory);
            mm.mmapBase = Math.min(state.mmapBase, mm.maxAddress);
            mm.brkStart = state.brkStart;
            mm.brk = state.brk;
            mm.stackLimit = state.stackLimit;
            mm.addressSpaceLimit = state.addressSpaceLimit;
            mm.dataLimit = state.dataLimit;
            mm.defaultLocked = state.defaultLocked;
            if (state.layout.length != 9) {
                throw new ImageException("an address space of the image is damaged");
            }
            long[] l = state.layout;
            FileDescription executable = context.getOrNull(state.executable, FileDescription.class);
            mm.setExecLayout(
                    new ExecLayout(
                                    l[0],
                                    l[1],
                                    l[2],
                                    l[3],
                                    l[4],
                                    l[5],
                                    l[6],
                                    l[7],
                                    l[8],
                                    state.auxv,
                                    executable)
                            .retain());
        } finally {
            mm.mu.unlock();
        }
    }

    private MmState() {}
}
