// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.NativeLoader;
import dev.mtdb.internal.Raw;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The sources of the classes of options, as the library's own list of options makes them. A test compares them with
 * those in the folder; run as a program, this writes them there.
 */
final class OptionSources {
    private static final String[][] KINDS = {
        {"db", "DbOptions", "Options of {@link Db#open}."},
        {"migrator", "MigratorOptions", "Options of {@link Db#migrator}."},
        {"fleet", "FleetOptions", "Options of {@link Db#fleet}."},
        {"lease", "LeaseOptions", "Options of {@link Tenant#lease}."},
        {"tx", "TxOptions", "Options of a transaction."},
        {"run", "RunOptions", "Options of {@link Migrator#run}."},
        {"quiesce", "QuiesceOptions", "Options of {@link Db#quiesce}."},
        {"driver", "DriverOptions", "Options of {@link MigrationDriver}."},
    };

    private OptionSources() {}

    public static void main(String[] arguments) throws java.io.IOException {
        for (Map.Entry<String, String> source : all().entrySet())
            Files.writeString(Path.of(arguments[0], source.getKey() + ".java"), source.getValue());
    }

    /** Source by name of the class. */
    static Map<String, String> all() {
        Map<String, String> sources = new LinkedHashMap<>();
        List<Map<String, Object>> options = describe();
        for (String[] kind : KINDS) sources.put(kind[1], source(kind, options));
        return sources;
    }

    private static List<Map<String, Object>> describe() {
        NativeLoader.load();
        List<Map<String, Object>> options = new ArrayList<>();
        for (int i = 0; i < Raw.mtdb_options_count(); i++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(8192);
            long[] needed = new long[1];
            if (Raw.mtdb_options_describe(i, buffer, needed, null) != 0) throw new IllegalStateException("option " + i);
            byte[] bytes = new byte[(int) needed[0]];
            buffer.get(0, bytes);
            options.add(Json.object(new String(bytes, StandardCharsets.UTF_8)));
        }
        return options;
    }

    private static String source(String[] kind, List<Map<String, Object>> options) {
        StringBuilder out = new StringBuilder("// SPDX-License-Identifier: MIT\n");
        out.append("// Made by OptionSources from the library's own list of options; a test compares the two.\n");
        out.append("package dev.mtdb;\n\n");
        StringBuilder body = new StringBuilder();
        for (Map<String, Object> option : options) {
            if (List.of(((String) option.get("scope")).split(",")).contains(kind[0])) method(kind, option, body);
        }
        if (body.indexOf("Duration ") >= 0) out.append("import java.time.Duration;\n\n");
        out.append("/** ").append(kind[2]).append(" */\n");
        out.append("public final class ").append(kind[1]).append(" extends Options<").append(kind[1]).append("> {\n");
        out.append(extra(kind[0]));
        out.append("    /** Makes an empty set. */\n    public ").append(kind[1]).append("() {}\n");
        return out.append(body).append("}\n").toString();
    }

    // What is the binding's own.
    private static String extra(String scope) {
        if (!scope.equals("db")) return "";
        return "    private Resolver resolver;\n\n"
            + "    /**\n     * Says where tenants live, and sets {@code tenant.routes} to resolver.\n     *\n"
            + "     * @param resolver asked for each tenant that is not known yet\n     * @return this\n     */\n"
            + "    public DbOptions resolver(Resolver resolver) {\n        this.resolver = resolver;\n"
            + "        return tenantRoutes(TenantRoutes.RESOLVER);\n    }\n\n"
            + "    /** The resolver, or null. */\n    Resolver resolver() {\n        return resolver;\n    }\n\n";
    }

    private static String camel(String key, boolean first) {
        StringBuilder name = new StringBuilder();
        boolean up = first;
        for (char c : key.toCharArray()) {
            if (c == '.' || c == '_') up = true;
            else {
                name.append(up ? Character.toUpperCase(c) : c);
                up = false;
            }
        }
        return name.toString();
    }

    private static void method(String[] kind, Map<String, Object> option, StringBuilder out) {
        String key = (String) option.get("key");
        boolean named = key.endsWith(".<id>");
        String shown = named ? key.substring(0, key.length() - 5) : key;
        String short_ = shown.startsWith(kind[0] + ".") ? shown.substring(kind[0].length() + 1) : shown;
        if (kind[0].equals("migrator") && short_.startsWith("migrate.")) short_ = short_.substring(8);
        boolean time = short_.endsWith("_ms");
        String name = camel(time ? short_.substring(0, short_.length() - 3) : short_, false);
        if (option.get("type").equals("choice")) choices(camel(short_, true), key, option, out);
        String type = type(option, time, camel(short_, true));
        out.append("\n    /**\n     * ").append(wrapped(option)).append("\n     *\n");
        if (named) out.append("     * @param name the rest of the key\n");
        out.append("     * @param value by default ").append(default_(option));
        out.append("\n     * @return this\n     */\n");
        out.append("    public ").append(kind[1]).append(' ').append(name).append('(');
        out.append(named ? "String name, " : "").append(type).append(" value) {\n        return set(");
        out.append('"').append(named ? shown + ".\" + name" : key + '"').append(", ");
        out.append(type.equals("long") || type.equals("boolean") ? "String.valueOf(value)" : "value");
        out.append(");\n    }\n");
    }

    private static String type(Map<String, Object> option, boolean time, String choice) {
        switch ((String) option.get("type")) {
            case "choice": return choice;
            case "boolean": return "boolean";
            case "integer": return time ? "Duration" : "long";
            default: return "String";
        }
    }

    private static String default_(Map<String, Object> option) {
        String value = String.valueOf(option.get("default"));
        String note = option.get("key").equals("placeholders") ? "; Java takes portable" : "";
        return (value.isEmpty() ? "empty" : escaped(value)) + note;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("{", "&#123;")
            .replace("}", "&#125;").replace("@", "&#64;");
    }

    private static void choices(String name, String key, Map<String, Object> option, StringBuilder out) {
        out.append("\n    /** Values of {@code ").append(key).append("}. */\n    public enum ").append(name);
        out.append(" {\n");
        List<?> values = (List<?>) option.get("values");
        for (int i = 0; i < values.size(); i++) {
            String value = (String) values.get(i);
            out.append("        /** {@code ").append(value).append("}. */\n        ");
            out.append(value.toUpperCase(Locale.ROOT).replace('-', '_')).append(i + 1 < values.size() ? ",\n" : "\n");
        }
        out.append("    }\n");
    }

    private static String wrapped(Map<String, Object> option) {
        StringBuilder out = new StringBuilder();
        int width = 0;
        String doc = escaped((String) option.get("doc")) + " Option {@code\u00a0" + option.get("key") + "}.";
        for (String word : doc.split(" ")) {
            if (width + word.length() > 108) {
                out.append("\n     *");
                width = 0;
            }
            if (out.length() > 0) out.append(' ');
            out.append(word);
            width += word.length() + 1;
        }
        return out.toString().replace('\u00a0', ' ');
    }
}
