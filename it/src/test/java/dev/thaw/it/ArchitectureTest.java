package dev.thaw.it;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import org.jspecify.annotations.NullMarked;

/** The arrows of the house (docs/architecture.md), and what each room may hold. */
@AnalyzeClasses(packages = "dev.thaw", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String[] PLATFORM = {
        "dev.thaw.abi..", "dev.thaw.host..", "dev.thaw.platform.."
    };

    private static ArchRule mayUse(String module, String... others) {
        String[] allowed = new String[others.length + 1];
        allowed[0] = module;
        System.arraycopy(others, 0, allowed, 1, others.length);
        return noClasses()
                .that()
                .resideInAPackage(module)
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage("dev.thaw..")
                                .and(
                                        com.tngtech.archunit.base.DescribedPredicate.not(
                                                resideInAnyPackage(allowed))))
                .because("modules depend downwards only");
    }

    @ArchTest static final ArchRule abi_isData = mayUse("dev.thaw.abi..");
    @ArchTest static final ArchRule host_arrows = mayUse("dev.thaw.host..", "dev.thaw.abi..");
    @ArchTest static final ArchRule platform_arrows = mayUse("dev.thaw.platform..", PLATFORM);
    @ArchTest static final ArchRule gofer_arrows = mayUse("dev.thaw.gofer..", PLATFORM);
    @ArchTest static final ArchRule state_arrows = mayUse("dev.thaw.state..");
    @ArchTest static final ArchRule store_arrows = mayUse("dev.thaw.store..", "dev.thaw.state..");

    @ArchTest
    static final ArchRule sentry_arrows =
            mayUse(
                    "dev.thaw.sentry..",
                    "dev.thaw.abi..",
                    "dev.thaw.host..",
                    "dev.thaw.platform..",
                    "dev.thaw.gofer..",
                    "dev.thaw.state..");

    @ArchTest
    static final ArchRule runsc_arrows =
            noClasses()
                    .that()
                    .resideInAPackage("dev.thaw.runsc..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("dev.thaw.control..")
                    .because("the server drives the command line's code, not the other way round");

    @ArchTest
    static final ArchRule sentry_isFreeOfTheHost =
            noClasses()
                    .that()
                    .resideInAPackage("dev.thaw.sentry..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "java.nio.file..",
                            "java.net..",
                            "org.springframework..",
                            "com.esotericsoftware..",
                            "com.github.luben..")
                    .because(
                            "the Sentry has no file system and no network of the host, and Kryo and zstd hide behind dev.thaw.state");

    @ArchTest
    static final ArchRule kryo_isHidden =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("dev.thaw.state..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("com.esotericsoftware..")
                    .because("the codec is a detail of the image format");

    @ArchTest
    static final ArchRule linker_nowhere =
            noClasses()
                    .should()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("java.lang.foreign.Linker")
                    .because("its method handles cost each process 50 ms (ADR-0002)");

    @ArchTest
    static final ArchRule natives_inHostAndPlatforms =
            ArchRuleDefinition.noMethods()
                    .that()
                    .areDeclaredInClassesThat()
                    .resideOutsideOfPackages("dev.thaw.host..", "dev.thaw.platform..")
                    .should()
                    .haveModifier(JavaModifier.NATIVE)
                    .because("host calls are made in one place");

    @ArchTest
    static final ArchRule errno_isChecked =
            noClasses()
                    .that()
                    .resideInAPackage("dev.thaw.sentry..")
                    .should()
                    .callMethod(Thread.class, "sleep", long.class)
                    .because("a guest waits by Task.block, which a checkpoint can interrupt");

    @ArchTest
    static final ArchRule no_synchronizedMethods =
            ArchRuleDefinition.methods()
                    .that()
                    .areDeclaredInClassesThat()
                    .resideInAPackage("dev.thaw.sentry..")
                    .should(
                            new ArchCondition<JavaMethod>("not be synchronized") {
                                @Override
                                public void check(JavaMethod method, ConditionEvents events) {
                                    boolean violated =
                                            method.getModifiers()
                                                    .contains(JavaModifier.SYNCHRONIZED);
                                    events.add(
                                            new SimpleConditionEvent(
                                                    method, !violated, method.getFullName()));
                                }
                            })
                    .because("the lock order is checked on KernelLock only");

    @ArchTest
    static final ArchRule packages_areNullMarked =
            ArchRuleDefinition.classes()
                    .should(
                            new ArchCondition<JavaClass>("lie in a @NullMarked package") {
                                @Override
                                public void check(JavaClass type, ConditionEvents events) {
                                    boolean marked =
                                            type.getPackage().isAnnotatedWith(NullMarked.class);
                                    events.add(
                                            new SimpleConditionEvent(type, marked, type.getName()));
                                }
                            });

    @ArchTest
    static final ArchRule modules_haveNoCircles =
            slices().matching("dev.thaw.(*)..")
                    .should()
                    .beFreeOfCycles()
                    .because("no circles between modules");
}
