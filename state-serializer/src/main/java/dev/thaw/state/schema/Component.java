package dev.thaw.state.schema;

/** One component of a record. */
public record Component(String name, Kind kind, boolean nullable) {
    @Override
    public String toString() {
        return name + " " + kind + (nullable ? "?" : "");
    }
}
