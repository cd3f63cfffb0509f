package dev.thaw.state;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a record as image state. Components may be: boolean, int, long, String, byte[], int[], long[], a {@code List} of those types' boxes or of records that
 * are state types themselves, a nested state record, and any reference type of these with {@code @Nullable}. Kernel objects are named by their int object id, 0 for none.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface StateType {
    /** The number on the wire, unique and never reused; ranges are set per subsystem in the Sentry's state catalog. */
    int id();

    /** Raised with each change of the components. */
    int version() default 1;
}
