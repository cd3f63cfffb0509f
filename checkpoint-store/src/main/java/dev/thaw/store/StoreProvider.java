package dev.thaw.store;

import java.io.IOException;

/** Opens remote stores of one kind. Found as a service, so that what it needs is loaded when such a store is asked for, and not before. */
public interface StoreProvider {
    /** The first part of the URLs that it opens: {@code s3}. */
    String scheme();

    /** Throws {@link IllegalArgumentException} with what is wrong with the URL. */
    ImageStore open(String url) throws IOException;
}
