package dev.thaw.store;

import dev.thaw.state.ImageException;
import java.util.ArrayList;
import java.util.List;

/** Who descends from whom among the images of a store. */
final class Lineage {
    /** Throws when some of {@code images} have the parent {@code id}, and names them. */
    static void checkChildless(String id, List<StoredImage> images) {
        List<String> children = new ArrayList<>();
        for (StoredImage image : images) {
            if (id.equals(image.manifest().parent())) {
                children.add(image.id());
            }
        }
        if (!children.isEmpty()) {
            throw new ImageException(
                    "image "
                            + id
                            + " is the parent of "
                            + String.join(", ", children)
                            + ": delete or flatten them first");
        }
    }

    private Lineage() {}
}
