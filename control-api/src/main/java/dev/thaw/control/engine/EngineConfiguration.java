package dev.thaw.control.engine;

import dev.thaw.control.ControlProperties;
import dev.thaw.control.StartupException;
import dev.thaw.control.StateLock;
import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.file.Path;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;

/** Makes the engine; tests with the profile "fake" bring their own. */
@Configuration(proxyBeanMethods = false)
class EngineConfiguration {
    @Bean(destroyMethod = "close")
    @Profile("!fake")
    SandboxEngine engine(ControlProperties properties, StateLock lock) {
        assert lock != null; // held before anything of an earlier server is removed
        try {
            Path state = properties.stateDirectory();
            String store = properties.store();
            return new RunscEngine(
                    state.resolve("sandboxes"),
                    store != null
                            ? store
                            : properties.checkpointDirectory().resolve("images").toString(),
                    properties.imageKeyFile(),
                    state.resolve("logs"));
        } catch (IOException | ImageException | EngineException e) {
            throw new StartupException(
                    "Sandboxes can not be run: " + e.getMessage(),
                    "Start the server by bin/thaw-server, and check thaw.control.state-directory, thaw.control.store and thaw.control.image-key-file.");
        }
    }
}
