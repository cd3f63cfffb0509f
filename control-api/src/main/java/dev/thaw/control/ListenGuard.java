package dev.thaw.control;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Refuses to let the server be reached from elsewhere without a token: who can make sandboxes can read this machine's files through them. */
@Component
class ListenGuard {
    ListenGuard(ServerProperties server, Environment environment, AccessToken token)
            throws UnknownHostException {
        check(server.getAddress(), token, "server.address");
        String management = environment.getProperty("management.server.port");
        if (management != null && !management.equals("-1")) {
            String address = environment.getProperty("management.server.address");
            check(
                    address == null ? null : InetAddress.getByName(address),
                    token,
                    "management.server.address");
        }
    }

    private static void check(@Nullable InetAddress address, AccessToken token, String property) {
        if (!token.isRequired() && (address == null || !address.isLoopbackAddress())) {
            throw new StartupException(
                    property
                            + " is "
                            + (address == null ? "any address" : address.getHostAddress())
                            + ", which others can reach, and there is no token.",
                    "Listen on 127.0.0.1, or set thaw.control.token or thaw.control.token-file.");
        }
    }
}
