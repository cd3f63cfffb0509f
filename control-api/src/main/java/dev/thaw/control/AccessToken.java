package dev.thaw.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** The token that clients must present, if one is configured. */
@Component
public class AccessToken {
    private static final int SHORTEST = 16;

    private final byte @Nullable [] token;

    public AccessToken(ControlProperties properties) {
        String text = properties.token();
        Path file = properties.tokenFile();
        if (text != null && file != null) {
            throw new StartupException(
                    "thaw.control.token and thaw.control.token-file are both set.",
                    "Set one of them.");
        }
        if (file != null) {
            try {
                text = Files.readString(file).strip();
            } catch (IOException e) {
                throw new StartupException(
                        "The token file " + file + " can not be read: " + e.getMessage(),
                        "Check thaw.control.token-file.");
            }
        }
        if (text != null && text.length() < SHORTEST) {
            throw new StartupException(
                    "The control token is shorter than " + SHORTEST + " characters.",
                    "Make one: openssl rand -hex 32");
        }
        this.token = text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** Whether clients need a token. */
    public boolean isRequired() {
        return token != null;
    }

    /** Whether an Authorization header carries the token. */
    public boolean matches(@Nullable String authorization) {
        if (token == null) {
            return true;
        }
        return authorization != null
                && authorization.regionMatches(true, 0, "Bearer ", 0, 7)
                && MessageDigest.isEqual(
                        token, authorization.substring(7).strip().getBytes(StandardCharsets.UTF_8));
    }
}
