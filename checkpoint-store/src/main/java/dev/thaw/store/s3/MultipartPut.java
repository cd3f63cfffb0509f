package dev.thaw.store.s3;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/** Uploads one large file in parts, several at a time. The object is there when the last step is done; a failed upload is given up. */
final class MultipartPut {
    private static final int WORKERS = 4;
    private static final long PART = 16 << 20;
    private static final int MAX_PARTS = 9_000;

    private final S3Client client;
    private final String bucket;
    private final String key;

    MultipartPut(S3Client client, String bucket, String key) {
        this.client = client;
        this.bucket = bucket;
        this.key = key;
    }

    void put(Path file) throws IOException {
        String upload = client.createMultipartUpload(r -> r.bucket(bucket).key(key)).uploadId();
        boolean done = false;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            List<CompletedPart> parts = parts(channel, upload);
            client.completeMultipartUpload(
                    r ->
                            r.bucket(bucket)
                                    .key(key)
                                    .uploadId(upload)
                                    .multipartUpload(m -> m.parts(parts)));
            done = true;
        } finally {
            if (!done) {
                abort(upload);
            }
        }
    }

    private void abort(String upload) {
        try {
            client.abortMultipartUpload(r -> r.bucket(bucket).key(key).uploadId(upload));
        } catch (SdkException e) {
            // a collector gives it up in time
        }
    }

    private List<CompletedPart> parts(FileChannel channel, String upload) throws IOException {
        long size = channel.size();
        long length = Math.max(PART, (size + MAX_PARTS - 1) / MAX_PARTS);
        int count = Math.toIntExact((size + length - 1) / length);
        AtomicReferenceArray<CompletedPart> parts = new AtomicReferenceArray<>(count);
        AtomicInteger next = new AtomicInteger();
        AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
        Runnable work =
                () -> {
                    int i = next.getAndIncrement();
                    while (i < count && failure.get() == null) {
                        try {
                            long at = i * length;
                            parts.set(
                                    i,
                                    part(channel, upload, i + 1, at, Math.min(length, size - at)));
                        } catch (RuntimeException e) {
                            failure.compareAndSet(null, e);
                        }
                        i = next.getAndIncrement();
                    }
                };
        List<Thread> threads = new ArrayList<>();
        for (int i = 1; i < Math.min(WORKERS, count); i++) {
            threads.add(Thread.ofPlatform().name("upload-" + i).daemon().start(work));
        }
        work.run();
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        RuntimeException failed = failure.get();
        if (failed != null) {
            throw failed;
        }
        List<CompletedPart> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            list.add(parts.get(i));
        }
        return list;
    }

    private CompletedPart part(
            FileChannel channel, String upload, int number, long at, long length) {
        ContentStreamProvider bytes = () -> new FileRange(channel, at, length);
        String tag =
                client.uploadPart(
                                r ->
                                        r.bucket(bucket)
                                                .key(key)
                                                .uploadId(upload)
                                                .partNumber(number)
                                                .contentLength(length),
                                RequestBody.fromContentProvider(
                                        bytes, length, "application/octet-stream"))
                        .eTag();
        return CompletedPart.builder().partNumber(number).eTag(tag).build();
    }

    /** Part of a file as a stream; any number of them read at once. */
    private static final class FileRange extends InputStream {
        private final FileChannel channel;
        private final long end;
        private long at;
        private long marked;

        FileRange(FileChannel channel, long at, long length) {
            this.channel = channel;
            this.at = at;
            this.marked = at;
            this.end = at + length;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (at >= end) {
                return -1;
            }
            int count =
                    channel.read(
                            ByteBuffer.wrap(target, offset, (int) Math.min(length, end - at)), at);
            at += Math.max(count, 0);
            return count;
        }

        @Override
        public boolean markSupported() {
            return true;
        }

        @Override
        public void mark(int limit) {
            marked = at;
        }

        @Override
        public void reset() {
            at = marked;
        }
    }
}
