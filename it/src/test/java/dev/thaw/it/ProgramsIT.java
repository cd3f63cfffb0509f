package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The machine's own programs under {@code runsc do}: the same output and exit status as natively, on each platform. */
@Execution(ExecutionMode.SAME_THREAD)
class ProgramsIT {
    private static final String PIPELINE =
            "seq 1 1000 | busybox grep 7 | busybox wc -l; for i in a b c; do echo $i; done | tr a-c A-C; cat <<X\nhere $((6*7))\nX\n";
    private static final String JOBS =
            "(sleep 0.2; echo late) & (echo early); wait; echo both; false || exit 3";
    private static final String PYTHON =
            """
            import json, os, sqlite3, subprocess, tempfile, threading
            total = []
            lock = threading.Lock()
            def add(n):
                with lock:
                    total.append(n * n)
            threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
            [t.start() for t in threads]; [t.join() for t in threads]
            print(json.dumps({'sum': sum(total), 'n': len(total)}))
            print(subprocess.run(['sh', '-c', 'echo from child; exit 5'], capture_output=True, text=True))
            with tempfile.TemporaryDirectory() as d:
                db = sqlite3.connect(d + '/x.db')
                db.execute('create table t(a integer primary key, b text)')
                with db:
                    db.executemany('insert into t values(?, ?)', [(i, 'x' * i) for i in range(500)])
                print(db.execute('select count(*), sum(length(b)) from t').fetchone(), db.execute('pragma integrity_check').fetchone())
                db.close()
                print(sorted(os.listdir(d)))
            with tempfile.NamedTemporaryFile() as f:
                f.write(b'abc'); f.flush(); print(os.stat(f.name).st_size)
            """;
    private static final String PERL =
            "my %h = map { $_ => $_ ** 2 } 1..10; print join(',', map { \"$_=$h{$_}\" } sort { $a <=> $b } keys %h), \"\\n\"; print `echo child`; exit 4";
    private static final String COMPILE =
            "cd $(mktemp -d) && gcc -O1 -pthread -o threads "
                    + Guests.ROOT
                    + "/it/src/guest/c/threads.c && ./threads";
    private static final String FILES =
            "set -e; cd $(mktemp -d); mkdir -p d/e; for i in 1 2 3; do echo line $i > d/e/f$i; done; tar cf d.tar d; rm -r d; tar xf d.tar; find d | sort; cat d/e/*;"
                    + " seq 1 5000 | sort -r | sort -n | md5sum; ln -s d/e l; ls l; mv d/e/f1 d/g; cp -r d c; diff -r c d && echo same; wc -c d.tar";
    private static final String BIG =
            "cd $(mktemp -d); head -c 52428800 /dev/zero | tr '\\0' 'x' > big; sha256sum big; ls -l big | cut -d' ' -f5";

    private static final List<List<String>> PROGRAMS =
            List.of(
                    List.of("/bin/true"),
                    List.of("busybox", "sh", "-c", PIPELINE),
                    List.of("busybox", "sh", "-c", JOBS),
                    List.of("bash", "-c", PIPELINE),
                    List.of("bash", "-c", JOBS),
                    List.of(
                            "bash",
                            "-c",
                            "trap 'echo got' USR1; kill -USR1 $$; echo $(echo sub $(echo sub)); a=(1 2 3); echo ${#a[@]}; read x < <(echo p); echo $x"),
                    List.of(
                            "bash",
                            "-c",
                            "ls -lR /usr/lib | grep -v ^total | sed 's/ [A-Z][a-z][a-z] .*[0-9][0-9]:*[0-9]* / /' | sort | sha256sum"),
                    List.of("bash", "-c", FILES),
                    List.of("bash", "-c", BIG),
                    List.of(
                            "find",
                            "/usr/share/doc",
                            "-name",
                            "copyright",
                            "-newermt",
                            "2000-01-01"),
                    List.of("/usr/bin/python3", "-c", PYTHON),
                    List.of("perl", "-e", PERL),
                    List.of("bash", "-c", COMPILE));

    static Stream<Arguments> programs() {
        List<Arguments> rows = new ArrayList<>();
        for (String platform : List.of("systrap", "ptrace")) {
            for (List<String> program : PROGRAMS) {
                rows.add(Arguments.of(platform, program));
            }
        }
        return rows.stream();
    }

    @ParameterizedTest
    @MethodSource("programs")
    void program_behavesAsNatively(String platform, List<String> program) {
        Runsc.Result expected = Native.run(program);
        try (Runsc runsc = new Runsc(platform)) {
            Runsc.Result result = runsc.runDo(program.toArray(String[]::new));
            assertThat(result.out()).as(result.err()).isEqualTo(expected.out());
            assertThat(result.status()).as(result.err()).isEqualTo(expected.status());
            assertThat(result.err()).isEqualTo(expected.err());
        }
    }
}
