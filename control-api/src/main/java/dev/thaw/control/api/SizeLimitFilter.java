package dev.thaw.control.api;

import dev.thaw.control.ControlProperties;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Refuses request bodies that are too long, by what they say or by what comes. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 20)
class SizeLimitFilter extends OncePerRequestFilter {
    private final long limit;

    SizeLimitFilter(ControlProperties properties) {
        this.limit = properties.maxRequest().toBytes();
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (request.getContentLengthLong() > limit) {
            response.setHeader("Connection", "close");
            Problems.send(
                    response,
                    Problems.of(
                            HttpStatus.CONTENT_TOO_LARGE,
                            "the request body is longer than " + limit + " bytes"));
            return;
        }
        chain.doFilter(
                new HttpServletRequestWrapper(request) {
                    @Override
                    public ServletInputStream getInputStream() throws IOException {
                        return new Limited(super.getInputStream(), limit);
                    }
                },
                response);
    }

    private static final class Limited extends ServletInputStream {
        private final ServletInputStream source;
        private final long limit;
        private long count;

        Limited(ServletInputStream source, long limit) {
            this.source = source;
            this.limit = limit;
        }

        @Override
        public int read() throws IOException {
            int value = source.read();
            return value < 0 ? value : counted(1, value);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = source.read(bytes, offset, length);
            return read < 0 ? read : counted(read, read);
        }

        private int counted(int bytes, int result) throws IOException {
            count += bytes;
            if (count > limit) {
                throw new RequestTooLargeException(limit);
            }
            return result;
        }

        @Override
        public boolean isFinished() {
            return source.isFinished();
        }

        @Override
        public boolean isReady() {
            return source.isReady();
        }

        @Override
        public void setReadListener(ReadListener listener) {
            source.setReadListener(listener);
        }
    }
}
