package dev.thaw.control.api;

import dev.thaw.control.AccessToken;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Lets only those in who may. With a token: who presents it. Without one the server listens on loopback only, and what must be kept out is a web page in a browser on this
 * machine: requests that name another host (DNS rebinding) or come from another origin.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 10)
class AccessFilter extends OncePerRequestFilter {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");
    private static final Set<String> OPEN =
            Set.of("/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness");

    private final AccessToken token;

    AccessFilter(AccessToken token) {
        this.token = token;
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (token.isRequired()) {
            if (!token.matches(request.getHeader(HttpHeaders.AUTHORIZATION))
                    && !OPEN.contains(request.getRequestURI())) {
                response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"thaw\"");
                Problems.send(
                        response,
                        Problems.of(
                                HttpStatus.UNAUTHORIZED,
                                "a valid token is needed: Authorization: Bearer TOKEN"));
                return;
            }
        } else if (!LOOPBACK.contains(request.getServerName())
                || !isLoopback(request.getHeader(HttpHeaders.ORIGIN))) {
            Problems.send(
                    response,
                    Problems.of(
                            HttpStatus.FORBIDDEN,
                            "without a token the server answers to its loopback names only"));
            return;
        }
        chain.doFilter(request, response);
    }

    private static boolean isLoopback(@Nullable String origin) {
        if (origin == null) {
            return true;
        }
        try {
            String host = URI.create(origin).getHost();
            return host != null && LOOPBACK.contains(host);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
