package dev.thaw.runsc.cli;

import java.util.List;

/** Rows of text in columns as wide as their widest cell. */
public final class Table {
    private Table() {}

    /** The rows as text, a line each. */
    public static String format(List<List<String>> rows) {
        int[] widths = new int[rows.getFirst().size()];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        StringBuilder out = new StringBuilder();
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                out.append(row.get(i));
                if (i < widths.length - 1) {
                    out.repeat(' ', widths[i] - row.get(i).length() + 3);
                }
            }
            out.append('\n');
        }
        return out.toString();
    }
}
