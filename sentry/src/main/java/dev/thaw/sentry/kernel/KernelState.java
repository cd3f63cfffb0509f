package dev.thaw.sentry.kernel;

import dev.thaw.sentry.time.TimeStates;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;

/** What a checkpoint keeps of the kernel itself. It comes back into the kernel that the restoring process offers as a service. */
@StateType(id = 0x0100, version = 2)
public record KernelState(
        String hostname,
        String domainName,
        TimeStates.ClockState clock,
        Lineage.State lineage,
        int lastId,
        int init,
        List<Integer> groups) {

    static KernelState save(Kernel kernel, SaveContext context) {
        List<Integer> groups = new ArrayList<>();
        for (ThreadGroup group : kernel.tasks().groups()) {
            groups.add(context.ref(group));
        }
        return new KernelState(
                kernel.hostname(),
                kernel.domainName(),
                new TimeStates.ClockState(
                        kernel.clock().monotonic(),
                        kernel.clock().boottime(),
                        kernel.clock().realtime()),
                kernel.lineage().save(),
                kernel.tasks().lastId(),
                context.ref(kernel.init()),
                groups);
    }

    static final Restorer<KernelState, Kernel> RESTORER =
            new Restorer<>() {
                @Override
                public Kernel create(KernelState s, RestoreContext context) {
                    Kernel kernel = context.service(Kernel.class);
                    kernel.beginRestore();
                    kernel.clock()
                            .restore(s.clock.monotonic(), s.clock.boottime(), s.clock.realtime());
                    kernel.lineage().restore(s.lineage);
                    return kernel;
                }

                @Override
                public void link(Kernel kernel, KernelState s, RestoreContext context) {
                    kernel.setHostname(s.hostname);
                    kernel.setDomainName(s.domainName);
                    kernel.tasks().lastId = s.lastId;
                    kernel.init = context.getOrNull(s.init, ThreadGroup.class);
                    context.afterLink(
                            () -> {
                                for (int id : s.groups) {
                                    kernel.tasks().restore(context.get(id, ThreadGroup.class));
                                }
                            });
                }
            };
}
