import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * {@code java UpgradeClasses.java FROM.jar TO.jar}: gives classes older than Java 6 the stack maps of Java 8. Only classes with stack maps go into an AOT cache; without them (picocli is compiled for
 * Java 5) each start of the command line parses and verifies 160 classes, 60 ms. Nothing else of the classes changes.
 */
final class UpgradeClasses {
    private static final int FIRST_WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

    public static void main(String[] args) throws IOException {
        try (JarFile from = new JarFile(args[0]);
                JarOutputStream to = new JarOutputStream(Files.newOutputStream(Path.of(args[1])))) {
            ClassFile classes =
                    ClassFile.of(
                            ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                            ClassFile.ClassHierarchyResolverOption.of(hierarchy(from)));
            for (JarEntry entry : from.stream().filter(e -> !e.isDirectory()).toList()) {
                byte[] bytes = from.getInputStream(entry).readAllBytes();
                if (entry.getName().endsWith(".class") && !entry.getName().endsWith("-info.class")) {
                    ClassModel old = classes.parse(bytes);
                    if (old.majorVersion() < FIRST_WITH_STACK_MAPS) {
                        bytes = upgrade(classes, old);
                    }
                }
                to.putNextEntry(new JarEntry(entry.getName()));
                to.write(bytes);
                to.closeEntry();
            }
        }
    }

    private static byte[] upgrade(ClassFile classes, ClassModel old) {
        ClassTransform version =
                (builder, element) -> {
                    if (element instanceof ClassFileVersion) {
                        builder.withVersion(ClassFile.JAVA_8_VERSION, 0);
                    } else {
                        builder.with(element);
                    }
                };
        // Code that is not taken apart is copied as it is, without stack maps.
        ClassTransform bodies = ClassTransform.transformingMethodBodies((builder, element) -> builder.with(element));
        return classes.transformClass(old, bodies.andThen(version));
    }

    /** Stack maps name the common superclass of two types: it is looked up in the jar, then in the JDK. */
    private static ClassHierarchyResolver hierarchy(JarFile jar) {
        return ClassHierarchyResolver.ofResourceParsing(
                        type -> {
                            String name = type.descriptorString();
                            JarEntry entry = jar.getJarEntry(name.substring(1, name.length() - 1) + ".class");
                            try {
                                return entry == null ? null : jar.getInputStream(entry);
                            } catch (IOException e) {
                                throw new java.io.UncheckedIOException(e);
                            }
                        })
                .orElse(ClassHierarchyResolver.defaultResolver())
                .cached();
    }

    private UpgradeClasses() {}
}
