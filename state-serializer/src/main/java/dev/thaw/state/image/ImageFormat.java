package dev.thaw.state.image;

/** Numbers of the image format. */
public final class ImageFormat {
    /** Raised when an earlier release could no longer read what is written. */
    public static final int VERSION = 1;

    public static final int PAGE = 4096;

    /** Pages of a chunk: a chunk holds the pages that are not zero of an aligned stretch of the memory file. */
    public static final int CHUNK_PAGES = 64;

    public static final int CHUNK = PAGE * CHUNK_PAGES;

    /** The most bytes that a stored chunk takes: what zstd makes of {@link #CHUNK} random bytes, rounded up. */
    public static final int MAX_STORED = CHUNK + 4096;

    private ImageFormat() {}
}
