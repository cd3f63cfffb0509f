package dev.thaw.control.api;

import dev.thaw.control.AccessToken;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;

/** The description of the interface at {@code /v3/api-docs}. */
@Configuration(proxyBeanMethods = false)
class OpenApi {
    @Bean
    OpenAPI openApiDocument(AccessToken token) {
        OpenAPI document =
                new OpenAPI()
                        .info(
                                new Info()
                                        .title("Thaw")
                                        .version("v1")
                                        .description(
                                                "Sandboxes that can be frozen to images and thawed again."));
        if (token.isRequired()) {
            document.components(
                    new Components()
                            .addSecuritySchemes(
                                    "token",
                                    new SecurityScheme()
                                            .type(SecurityScheme.Type.HTTP)
                                            .scheme("bearer")));
            document.addSecurityItem(new SecurityRequirement().addList("token"));
        }
        return document;
    }

    /** Every operation may answer with a problem. */
    @Bean
    OpenApiCustomizer problems() {
        return document -> {
            Schema<?> problem =
                    new Schema<>()
                            .type("object")
                            .description("RFC 9457")
                            .addProperty(
                                    "type",
                                    new Schema<>()
                                            .type("string")
                                            .description(Problems.TYPE + "SLUG"))
                            .addProperty("title", new Schema<>().type("string"))
                            .addProperty("status", new Schema<>().type("integer"))
                            .addProperty("detail", new Schema<>().type("string"))
                            .addProperty("instance", new Schema<>().type("string"));
            document.getComponents().addSchemas("Problem", problem);
            ApiResponse response =
                    new ApiResponse()
                            .description("The request was refused or failed")
                            .content(
                                    new Content()
                                            .addMediaType(
                                                    MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                                                    new io.swagger.v3.oas.models.media.MediaType()
                                                            .schema(
                                                                    new Schema<>()
                                                                            .$ref("Problem"))));
            document.getPaths()
                    .values()
                    .forEach(
                            path ->
                                    path.readOperations()
                                            .forEach(
                                                    operation ->
                                                            operation
                                                                    .getResponses()
                                                                    .addApiResponse(
                                                                            "default", response)));
        };
    }
}
