package dev.thaw.state.crypt;

import dev.thaw.state.image.Hasher;
import dev.thaw.state.image.ImageCodec;
import java.util.function.Supplier;

/** Who computes hashes and ciphers: the JDK, or the processor's own instructions where a process is too young for compiled Java. */
public record Primitives(Supplier<Hasher> hashers, Aead aead) {
    public static final Primitives JDK = new Primitives(Hasher::ofJdk, Aead.ofJdk());

    /** The codec of images in clear. */
    public ImageCodec plain() {
        return ImageCodec.plain(hashers);
    }

    /** The codec of images under {@code key}, which may be closed afterwards. */
    public ImageCodec sealed(DataKey key) {
        return new SealedImageCodec(key, hashers, aead);
    }
}
