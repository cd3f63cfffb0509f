package dev.thaw.state.schema;

import dev.thaw.state.StateCatalog;
import java.util.TreeMap;

/** A catalog as text: the golden file that a test compares, so that no record changes unnoticed. */
public final class SchemaText {
    /** One line for each type in id order: {@code 0110 v1 dev.thaw.x.FdTable.State(slots list<#0111>)}. */
    public static String of(StateCatalog catalog) {
        StringBuilder text =
                new StringBuilder(
                        "# State records of an image: id, version, class, components. A changed line needs a higher version and an upgrade in the catalog.\n");
        new TreeMap<>(catalog.entries())
                .forEach(
                        (id, entry) -> {
                            RecordSchema schema = RecordSchema.of(entry.type());
                            text.append("%04x v%d ".formatted(id, schema.version()))
                                    .append(entry.type().getCanonicalName())
                                    .append('(')
                                    .append(schema.signature())
                                    .append(")\n");
                        });
        return text.toString();
    }

    private SchemaText() {}
}
