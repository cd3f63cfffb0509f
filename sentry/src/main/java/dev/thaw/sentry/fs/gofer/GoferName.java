package dev.thaw.sentry.fs.gofer;

import org.jspecify.annotations.Nullable;

/** Where a gofer file is: a name in a directory. It changes when the file is renamed. */
final class GoferName {
    private volatile @Nullable GoferDirectory parent;
    private volatile String name;

    GoferName(@Nullable GoferDirectory parent, String name) {
        this.parent = parent;
        this.name = name;
    }

    @Nullable GoferDirectory parent() {
        return parent;
    }

    String name() {
        return name;
    }

    void set(GoferDirectory newParent, String newName) {
        parent = newParent;
        name = newName;
    }

    /** The path below the root, without a slash in front; empty for the root. */
    String path() {
        GoferDirectory up = parent;
        if (up == null) {
            return name;
        }
        String above = up.at().path();
        return above.isEmpty() ? name : above + "/" + name;
    }
}
