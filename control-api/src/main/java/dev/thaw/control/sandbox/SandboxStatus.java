package dev.thaw.control.sandbox;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** Where a sandbox is in its life. */
public enum SandboxStatus {
    /** Its program runs. */
    RUNNING,
    /** All its tasks stand still. */
    PAUSED,
    /** Its program has ended, or it was killed. */
    STOPPED;

    /** As it stands in JSON. */
    @JsonValue
    public String json() {
        return name().toLowerCase(Locale.ROOT);
    }
}
