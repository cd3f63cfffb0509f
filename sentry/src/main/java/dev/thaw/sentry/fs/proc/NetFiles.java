package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.vfs.SyntheticDirectory;
import dev.thaw.sentry.vfs.SyntheticFile;

/** {@code /proc/[pid]/net}: the tables of a network that has nothing but its loopback. */
final class NetFiles {
    private static final String DEV =
            """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
            """;
    private static final String SOCKETS =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    private static final String SOCKETS6 =
            "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    static SyntheticDirectory directory(ProcFilesystem fs) {
        SyntheticDirectory directory = new SyntheticDirectory(fs, 0x16d);
        file(
                fs,
                directory,
                "arp",
                "IP address       HW type     Flags       HW address            Mask     Device\n");
        file(fs, directory, "dev", DEV);
        file(fs, directory, "if_inet6", "");
        file(
                fs,
                directory,
                "route",
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
        file(fs, directory, "tcp", SOCKETS);
        file(fs, directory, "tcp6", SOCKETS6);
        file(fs, directory, "udp", SOCKETS);
        file(fs, directory, "udp6", SOCKETS6);
        file(fs, directory, "unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
        return directory;
    }

    private static void file(
            ProcFilesystem fs, SyntheticDirectory directory, String name, String text) {
        directory.add(name, new SyntheticFile(fs, 0x124, _ -> Text.bytes(text)));
    }

    private NetFiles() {}
}
