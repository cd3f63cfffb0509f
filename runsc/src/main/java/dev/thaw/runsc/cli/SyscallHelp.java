package dev.thaw.runsc.cli;

import dev.thaw.abi.Errno;
import dev.thaw.sentry.syscall.Amd64;
import dev.thaw.sentry.syscall.SyscallTable;
import dev.thaw.sentry.syscall.SyscallTable.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What `runsc help syscalls` prints: the Sentry's own table. */
public final class SyscallHelp {
    private SyscallHelp() {}

    /** Every row in the order of numbers; what is not listed is absent and answers ENOSYS. */
    public static String table() {
        ArrayList<List<String>> rows = new ArrayList<>();
        rows.add(List.of("NUMBER", "NAME", "SUPPORT", "NOTE"));
        for (int number = 0; number < SyscallTable.LIMIT; number++) {
            Row row = Amd64.TABLE.row(number);
            if (row != null) {
                String note =
                        row.errno() == 0 ? row.note() : Errno.name(row.errno()) + ": " + row.note();
                rows.add(
                        List.of(
                                String.valueOf(number),
                                row.name(),
                                row.support().name().toLowerCase(Locale.ROOT),
                                note));
            }
        }
        return Table.format(rows);
    }
}
