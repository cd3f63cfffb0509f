package dev.thaw.sentry.net.unix;

import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Bytes in flight (Linux: {@code struct sk_buff}), with who sent them and the descriptors they carry. Guarded by the queue it is in. */
final class Message {
    /** What Linux books for a packet beside its bytes, about. */
    static final int OVERHEAD = 512;

    final byte[] data;
    final int pid;
    final int uid;
    final int gid;

    /** The sender's name: empty for none. */
    final String source;

    /** How much of {@link #data} a stream has read. */
    int position;

    /** References that this message owns. */
    List<FileDescription> rights;

    Message(byte[] data, List<FileDescription> rights, int pid, int uid, int gid, String source) {
        this.data = data;
        this.rights = rights;
        this.pid = pid;
        this.uid = uid;
        this.gid = gid;
        this.source = source;
    }

    int cost() {
        return data.length + OVERHEAD;
    }

    /** References to the rights for a reader that only peeks. */
    List<FileDescription> peekRights() {
        List<FileDescription> copies = new ArrayList<>(rights.size());
        for (FileDescription file : rights) {
            copies.add(file.acquire());
        }
        return copies;
    }

    List<FileDescription> takeRights() {
        List<FileDescription> taken = rights;
        rights = List.of();
        return taken;
    }

    void discard() {
        for (FileDescription file : takeRights()) {
            file.close();
        }
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0411, version = 1)
    record State(byte[] data, int[] rights, int pid, int uid, int gid, String source) {}

    State save(SaveContext context) {
        int[] refs = new int[rights.size()];
        for (int i = 0; i < refs.length; i++) {
            refs[i] = context.ref(rights.get(i));
        }
        return new State(
                position == 0 ? data : Arrays.copyOfRange(data, position, data.length),
                refs,
                pid,
                uid,
                gid,
                source);
    }

    static Message restore(State state, RestoreContext context) {
        List<FileDescription> rights = new ArrayList<>(state.rights.length);
        for (int ref : state.rights) {
            rights.add(context.get(ref, FileDescription.class).restoreReference());
        }
        return new Message(state.data, rights, state.pid, state.uid, state.gid, state.source);
    }
}
