// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Loads libmtdb and its JNI layer, once: from the folder of system property {@code mtdb.native.dir}, else from
 * {@code java.library.path}, else from the jar. What the jar brings is copied to a folder of a unique name, loaded, and
 * deleted at once; property {@code mtdb.tmpdir} says where, for systems whose usual folder forbids programs.
 */
public final class NativeLoader {
    private static final String[] LIBRARIES = {"libmtdb.so." + Raw.MTDB_VERSION_MAJOR, "libmtdb_jni.so"};

    static {
        loadLibraries();
        long[] error = new long[1];
        Errors.check(Raw.mtdb_abi_require(Raw.MTDB_VERSION_MAJOR, Raw.MTDB_VERSION_MINOR, error), error);
    }

    private NativeLoader() {}

    /** Returns when the library is loaded. */
    public static void load() {}

    private static void loadLibraries() {
        String folder = System.getProperty("mtdb.native.dir");
        if (folder != null) {
            loadFrom(Path.of(folder));
            return;
        }
        try {
            System.loadLibrary("mtdb_jni");
        } catch (UnsatisfiedLinkError notInPath) {
            loadFromJar(notInPath);
        }
    }

    private static void loadFrom(Path folder) {
        for (String library : LIBRARIES) {
            Path file = folder.resolve(library).toAbsolutePath();
            // Without a copy beside it, the JNI layer finds libmtdb as any program does.
            if (library.startsWith("libmtdb_jni") || Files.exists(file)) System.load(file.toString());
        }
    }

    private static String platform() {
        String os = System.getProperty("os.name").toLowerCase(java.util.Locale.ROOT);
        String arch = System.getProperty("os.arch");
        return (os.startsWith("linux") ? "linux" : os.replace(" ", "")) + "-"
            + (arch.equals("amd64") ? "x86_64" : arch);
    }

    private static void loadFromJar(UnsatisfiedLinkError notInPath) {
        String folder = "/native/" + platform() + "/";
        if (NativeLoader.class.getResource(folder + LIBRARIES[1]) == null) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError("libmtdb_jni.so is not in java.library.path, and "
                + "this jar has no " + folder.substring(1) + "; set the system property mtdb.native.dir");
            error.addSuppressed(notInPath);
            throw error;
        }
        try {
            String parent = System.getProperty("mtdb.tmpdir", System.getProperty("java.io.tmpdir"));
            Path copy = Files.createTempDirectory(Path.of(parent), "mtdb-");
            try {
                for (String library : LIBRARIES) extract(folder + library, copy.resolve(library));
                loadFrom(copy);
            } finally {
                for (String library : LIBRARIES) Files.deleteIfExists(copy.resolve(library));
                Files.deleteIfExists(copy);
            }
        } catch (IOException failure) {
            throw new UncheckedIOException("the native library could not be copied out of the jar", failure);
        }
    }

    private static void extract(String resource, Path file) throws IOException {
        try (InputStream bytes = NativeLoader.class.getResourceAsStream(resource)) {
            if (bytes != null) Files.copy(bytes, file);
        }
    }
}
