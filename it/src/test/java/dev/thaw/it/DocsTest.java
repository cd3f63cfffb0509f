package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.abi.Sysno;
import dev.thaw.sentry.syscall.Amd64;
import dev.thaw.sentry.syscall.SyscallTable;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The documentation says what is true: links lead somewhere, decisions are listed, the system call page is the table's. */
class DocsTest {
    private static final Path DOCS = Guests.ROOT.resolve("docs");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]+)(#[^)]*)?\\)");

    @Test
    void links_leadSomewhere() throws IOException {
        List<String> broken = new ArrayList<>();
        List<Path> pages =
                new ArrayList<>(
                        List.of(
                                Guests.ROOT.resolve("README.md"),
                                Guests.ROOT.resolve("CONTRIBUTING.md")));
        try (Stream<Path> walk = Files.walk(DOCS)) {
            walk.filter(file -> file.toString().endsWith(".md")).forEach(pages::add);
        }
        for (Path page : pages) {
            Matcher link = LINK.matcher(Files.readString(page));
            while (link.find()) {
                String target = link.group(1);
                if (!target.contains("://") && !Files.exists(page.resolveSibling(target))) {
                    broken.add(Guests.ROOT.relativize(page) + " -> " + target);
                }
            }
        }
        assertThat(broken).isEmpty();
    }

    @Test
    void decisions_areListed() throws IOException {
        String index = Files.readString(DOCS.resolve("decisions/README.md"));
        try (Stream<Path> files = Files.list(DOCS.resolve("decisions"))) {
            assertThat(
                            files.map(file -> file.getFileName().toString())
                                    .filter(name -> !name.equals("README.md")))
                    .allSatisfy(name -> assertThat(index).contains("(" + name + ")"));
        }
    }

    @Test
    void syscallTable_namesEachCallOfLinux() throws IllegalAccessException {
        Map<Integer, String> missing = new TreeMap<>();
        for (Field field : Sysno.class.getFields()) {
            int number = field.getInt(null);
            SyscallTable.Row row = Amd64.TABLE.row(number);
            if (row == null || !row.name().equals(field.getName().substring("SYS_".length()))) {
                missing.put(
                        number,
                        field.getName()
                                + (row == null ? " is missing" : " is called " + row.name()));
            }
        }
        assertThat(missing).isEmpty();
    }

    /** Run with {@code -Dthaw.update=true} to write the page anew. */
    @Test
    void syscallPage_isTheTables() throws IOException {
        StringBuilder page = new StringBuilder();
        int[] counts = new int[3];
        StringBuilder rows = new StringBuilder();
        for (int number = 0; number < SyscallTable.LIMIT; number++) {
            SyscallTable.Row row = Amd64.TABLE.row(number);
            if (row != null) {
                counts[row.support().ordinal()]++;
                String note =
                        row.support() == SyscallTable.Support.PARTIAL
                                ? "missing: " + row.note()
                                : row.note();
                rows.append("| ")
                        .append(number)
                        .append(" | `")
                        .append(row.name())
                        .append("` | ")
                        .append(row.support().name().toLowerCase(java.util.Locale.ROOT))
                        .append(" | ")
                        .append(note.replace("|", "\\|"))
                        .append(" |\n");
            }
        }
        page.append(
                "# System calls of x86-64\n\nMade from the dispatch table by `mvn -pl it -am verify -Dit.test=none -Dtest=DocsTest -Dthaw.update=true`; `runsc help syscalls` prints the same.\n\n");
        page.append("Whole: ")
                .append(counts[0])
                .append(" · partial: ")
                .append(counts[1])
                .append(" · absent: ")
                .append(counts[2])
                .append("\n\n| number | call | support | notes |\n|---|---|---|---|\n")
                .append(rows);
        Path file = DOCS.resolve("compat/amd64.md");
        if (Boolean.getBoolean("thaw.update")) {
            Files.writeString(file, page);
        }
        assertThat(file).hasContent(page.toString());
    }
}
