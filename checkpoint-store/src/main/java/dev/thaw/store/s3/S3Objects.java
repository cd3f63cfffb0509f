package dev.thaw.store.s3;

import dev.thaw.store.ObjectStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/** Objects in an S3 bucket, below a prefix, by the AWS SDK, which signs and tries again. */
public final class S3Objects implements ObjectStore {
    private static final int ATTEMPTS = 5;
    private static final int WHOLE = 16 << 20;

    private final S3Location location;
    private final S3Client client;

    /** Credentials come from where the AWS SDK looks for them: environment, profile, the machine's role. */
    public S3Objects(S3Location location) throws IOException {
        this.location = location;
        S3ClientBuilder builder =
                S3Client.builder()
                        .httpClientBuilder(
                                UrlConnectionHttpClient.builder()
                                        .connectionTimeout(Duration.ofSeconds(10))
                                        .socketTimeout(Duration.ofSeconds(30)))
                        .forcePathStyle(location.pathStyle())
                        // servers other than Amazon's do not all know the newer trailing checksums,
                        // and Thaw has hashes of its own
                        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                        .overrideConfiguration(
                                o ->
                                        o.retryStrategy(
                                                AwsRetryStrategy.standardRetryStrategy().toBuilder()
                                                        .maxAttempts(ATTEMPTS)
                                                        .build()));
        if (location.endpoint() != null) {
            builder.endpointOverride(location.endpoint());
        }
        String region = location.region();
        if (region != null || location.endpoint() != null) {
            builder.region(region == null ? Region.US_EAST_1 : Region.of(region));
        }
        try {
            this.client = builder.build();
        } catch (SdkException e) {
            throw failed("", e);
        }
    }

    private String key(String key) {
        return location.prefix() + key;
    }

    @Override
    public String describe(String key) {
        return "s3://" + location.bucket() + "/" + key(key);
    }

    /** What the SDK does, with its exceptions made the interface's. */
    private interface Call<T> {
        T run() throws IOException;
    }

    private <T> T call(String key, Call<T> call) throws IOException {
        try {
            return call.run();
        } catch (S3Exception e) {
            if (e.statusCode() == 404 && !isBucketMissing(e)) {
                NoSuchFileException none = new NoSuchFileException(describe(key));
                none.initCause(e);
                throw none;
            }
            throw failed(key, e);
        } catch (SdkException e) {
            throw failed(key, e);
        }
    }

    private static boolean isBucketMissing(S3Exception e) {
        return e.awsErrorDetails() != null
                && "NoSuchBucket".equals(e.awsErrorDetails().errorCode());
    }

    private IOException failed(String key, SdkException e) {
        String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        IOException failed = new FileSystemException(describe(key), null, message);
        failed.initCause(e);
        return failed;
    }

    @Override
    public void put(String key, byte[] bytes) throws IOException {
        call(
                key,
                () ->
                        client.putObject(
                                r -> r.bucket(location.bucket()).key(key(key)),
                                RequestBody.fromBytes(bytes)));
    }

    @Override
    public void put(String key, Path file) throws IOException {
        if (Files.size(file) > WHOLE) {
            call(
                    key,
                    () -> {
                        new MultipartPut(client, location.bucket(), key(key)).put(file);
                        return key;
                    });
            return;
        }
        call(
                key,
                () ->
                        client.putObject(
                                r -> r.bucket(location.bucket()).key(key(key)),
                                RequestBody.fromFile(file)));
    }

    @Override
    public byte[] get(String key, int limit) throws IOException {
        return call(
                key,
                () ->
                        client.getObject(
                                r -> r.bucket(location.bucket()).key(key(key)),
                                (response, body) -> {
                                    Long length = response.contentLength();
                                    if (length == null || length > limit) {
                                        throw tooLong(key, length);
                                    }
                                    ByteBuffer target = ByteBuffer.allocate(length.intValue());
                                    fill(body, target);
                                    return target.array();
                                }));
    }

    private IOException tooLong(String key, @Nullable Long length) {
        return new IOException(describe(key) + " is too long: " + length + " bytes");
    }

    @Override
    public void read(String key, long position, ByteBuffer target) throws IOException {
        if (!target.hasRemaining()) {
            return;
        }
        int start = target.position();
        String range = "bytes=" + position + "-" + (position + target.remaining() - 1);
        ResponseTransformer<GetObjectResponse, Boolean> reader =
                (response, body) -> {
                    fill(body, target.position(start)); // again from the start when tried again
                    return true;
                };
        call(
                key,
                () ->
                        client.getObject(
                                r -> r.bucket(location.bucket()).key(key(key)).range(range),
                                reader));
        target.flip().position(start);
    }

    private static void fill(InputStream body, ByteBuffer target) {
        try {
            while (target.hasRemaining()) {
                int count =
                        body.read(
                                target.array(),
                                target.arrayOffset() + target.position(),
                                target.remaining());
                if (count < 0) {
                    throw RetryableException.create(
                            "the answer is cut short by " + target.remaining() + " bytes");
                }
                target.position(target.position() + count);
            }
        } catch (IOException e) {
            throw RetryableException.create(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public @Nullable Stat stat(String key) throws IOException {
        try {
            HeadObjectResponse head =
                    call(
                            key,
                            () ->
                                    client.headObject(
                                            r -> r.bucket(location.bucket()).key(key(key))));
            return stat(key, head.contentLength(), head.lastModified(), head.eTag());
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** Not every server has a tag for each object at once. */
    private static Stat stat(String key, long size, Instant modified, @Nullable String tag) {
        return new Stat(
                key, size, modified, tag == null ? size + "at" + modified.toEpochMilli() : tag);
    }

    @Override
    public List<Stat> list(String prefix) throws IOException {
        return call(
                prefix,
                () -> {
                    List<Stat> found = new ArrayList<>();
                    for (S3Object object :
                            client.listObjectsV2Paginator(
                                            r -> r.bucket(location.bucket()).prefix(key(prefix)))
                                    .contents()) {
                        found.add(
                                stat(
                                        object.key().substring(location.prefix().length()),
                                        object.size(),
                                        object.lastModified(),
                                        object.eTag()));
                    }
                    return found;
                });
    }

    @Override
    public void delete(String key) throws IOException {
        call(key, () -> client.deleteObject(r -> r.bucket(location.bucket()).key(key(key))));
    }

    @Override
    public void abandonUploads(Instant time) throws IOException {
        call(
                "",
                () -> {
                    for (MultipartUpload upload :
                            client.listMultipartUploadsPaginator(
                                            r ->
                                                    r.bucket(location.bucket())
                                                            .prefix(location.prefix()))
                                    .uploads()) {
                        if (upload.initiated() != null && upload.initiated().isBefore(time)) {
                            client.abortMultipartUpload(
                                    r ->
                                            r.bucket(location.bucket())
                                                    .key(upload.key())
                                                    .uploadId(upload.uploadId()));
                        }
                    }
                    return "";
                });
    }

    @Override
    public void close() {
        client.close();
    }
}
