package dev.thaw.store;

import java.time.Duration;

/**
 * What lies where in a remote store.
 *
 * <pre>
 * images/ID.json     an image's manifest: the image exists as long as this does
 * files/ID.meta, ID.chunks, ID.pack
 * drafts/TOKEN       somebody is making an image. Put once, before its maker looks at what there is; never put again
 * beats/TOKEN        the names that draft relies on, a line each; put again while its maker lives
 * dead/NAME          since when (by the store's clock) files/NAME is known to be garbage
 * clock              put to learn the store's time
 * </pre>
 */
final class RemoteNames {
    static final String IMAGES = "images/";
    static final String FILES = "files/";
    static final String DRAFTS = "drafts/";
    static final String BEATS = "beats/";
    static final String DEAD = "dead/";
    static final String CLOCK = "clock";
    static final String JSON = ".json";

    /** How often a draft's maker shows that it lives. */
    static final Duration BEAT = Duration.ofMinutes(5);

    static final int MAX_MANIFEST = 16 << 20;
    static final int MAX_BEAT = 64 << 20;

    /** The last part of a key. */
    static String name(String key) {
        return key.substring(key.lastIndexOf('/') + 1);
    }

    private RemoteNames() {}
}
