#!/bin/bash
# assemble.sh DIST NATIVE RUNSC_JAR LIBDIR: lays out an installation in DIST that bin/runsc starts:
#   lib/*.jar       the modules and libraries of the command line, gofer and sandbox processes
#   native/         thaw-launch, thaw-stub, libthaw.so, libzstd-jni.so, vDSO
#   aot/KIND.aot    caches of loaded classes and compiled profiles, made by a training run (KIND: cli, boot, gofer)
#   lib/s3/*.jar    the AWS SDK, on the class path of a command that names a store of s3:// and of no other
#   classpath       the class path that the caches were made for
# RUNSC_JAR may be a directory of classes of all modules (a development build): it is packed into one jar first.
set -e
[ $# = 4 ] || { echo "usage: assemble.sh DIST NATIVE RUNSC_JAR LIBDIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../../.." && pwd)
mkdir -p "$1"
dist=$(cd "$1" && pwd)
native=$2 runsc=$3 libs=$4
home=$("$top/bin/find-jdk")

rm -rf "$dist/zstd.new" "$dist/lib.new" "$dist/native.new" "$dist/aot.new"
mkdir -p "$dist/lib.new" "$dist/native.new" "$dist/aot.new"
if [ -d "$runsc" ]; then
    "$home/bin/jar" --create --no-compress --file "$dist/lib.new/thaw.jar" -C "$runsc" .
else
    cp "$runsc" "$dist/lib.new/"
fi
# Only what these processes use: a longer class path is a slower start.
for pattern in platform gofer sentry state-serializer checkpoint-store picocli jackson-core-3 jackson-databind-3 jackson-annotations kryo minlog objenesis-3.4 reflectasm \
    zstd-jni jspecify; do
    for jar in "$libs/$pattern"*.jar; do
        [ -e "$jar" ] && cp "$jar" "$dist/lib.new/"
    done
done
mkdir "$dist/lib.new/s3"
for s3 in "$libs"/s3-[0-9]*.jar; do
    [ -e "$s3" ] || { echo "assemble.sh: no AWS SDK in $libs" >&2; exit 1; }
    version=${s3##*/s3-}
    cp "$libs"/*-"$version" "$libs"/eventstream-*.jar "$libs"/reactive-streams-*.jar "$libs"/slf4j-api-*.jar "$dist/lib.new/s3/"
done
cp -r "$native"/. "$dist/native.new/"
zstd=$(ls "$dist"/lib.new/zstd-jni*.jar | head -1)
(cd "$dist/native.new" && "$home/bin/jar" --extract --file "$zstd" linux/amd64 && mv linux/amd64/libzstd-jni*.so libzstd-jni.so && rm -r linux)
# Of the zstd jar only the JNI classes: its FFM variant binds every function of the library at first use, 100 ms in a sandbox that starts.
(mkdir "$dist/zstd.new" && cd "$dist/zstd.new" && "$home/bin/jar" --extract --file "$zstd" com && rm "$zstd" && "$home/bin/jar" --create --file "$zstd" com && cd .. && rm -r zstd.new)
# What is compiled for Java 5 can not be cached: see UpgradeClasses.
for jar in "$dist"/lib.new/{picocli,reflectasm}*.jar; do
    "$home/bin/java" "$here/UpgradeClasses.java" "$jar" "$jar.new" && mv "$jar.new" "$jar"
done
for part in lib native aot; do
    rm -rf "${dist:?}/$part"
    mv "$dist/$part.new" "$dist/$part"
done
find "$dist/lib" -maxdepth 1 -name '*.jar' | LC_ALL=C sort | tr '\n' ':' | sed 's/:$//' > "$dist/classpath"
echo "$home" > "$dist/java-home"
[ -n "$THAW_NO_TRAIN" ] || "$here/train.sh" "$dist" "$home"
