package dev.thaw.runsc.control;

import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.runsc.oci.ProcessConfig.Capabilities;
import dev.thaw.runsc.oci.ProcessConfig.User;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** {@link ProcessConfig} as fields of a message. */
public final class ProcessCodec {
    private ProcessCodec() {}

    public static void write(WireWriter out, ProcessConfig process) throws WireException {
        strings(out, process.args());
        strings(out, process.env());
        out.string(process.cwd());
        User user = process.user();
        out.i32(user.uid()).i32(user.gid()).i32(user.umask()).i32(user.additionalGids().length);
        for (int gid : user.additionalGids()) {
            out.i32(gid);
        }
        Capabilities caps = process.capabilities();
        out.i64(caps.bounding())
                .i64(caps.effective())
                .i64(caps.inheritable())
                .i64(caps.permitted())
                .i64(caps.ambient());
        out.i32(process.rlimits().size());
        for (Map.Entry<Integer, long[]> limit : process.rlimits().entrySet()) {
            out.i32(limit.getKey()).i64(limit.getValue()[0]).i64(limit.getValue()[1]);
        }
        out.u8((process.terminal() ? 1 : 0) | (process.noNewPrivileges() ? 2 : 0));
    }

    public static ProcessConfig read(WireReader in) throws WireException {
        List<String> args = strings(in);
        List<String> env = strings(in);
        String cwd = in.string();
        int uid = in.i32();
        int gid = in.i32();
        int umask = in.i32();
        int[] groups = new int[in.count(4)];
        for (int i = 0; i < groups.length; i++) {
            groups[i] = in.i32();
        }
        Capabilities caps = new Capabilities(in.i64(), in.i64(), in.i64(), in.i64(), in.i64());
        TreeMap<Integer, long[]> limits = new TreeMap<>();
        for (int left = in.count(20); left > 0; left--) {
            limits.put(in.i32(), new long[] {in.i64(), in.i64()});
        }
        int flags = in.u8();
        return new ProcessConfig(
                (flags & 1) != 0,
                args,
                env,
                cwd,
                new User(uid, gid, groups, umask),
                caps,
                limits,
                (flags & 2) != 0);
    }

    static void strings(WireWriter out, List<String> list) throws WireException {
        out.i32(list.size());
        for (String text : list) {
            out.string(text);
        }
    }

    static List<String> strings(WireReader in) throws WireException {
        int count = in.count(4);
        ArrayList<String> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(in.string());
        }
        return list;
    }
}
