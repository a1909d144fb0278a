// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import java.util.Locale;

/** What the first words of a statement tell. */
final class Keys {
    private static final java.util.Set<String> COMMITTING = java.util.Set.of("ALTER", "ANALYZE", "CREATE", "DROP",
        "FLUSH", "GRANT", "LOCK", "OPTIMIZE", "RENAME", "REPAIR", "RESET", "REVOKE", "TRUNCATE", "UNLOCK");

    private Keys() {}

    private static String firstWord(String sql) {
        return word(withoutComments(sql));
    }

    private static String withoutComments(String sql) {
        String text = sql.stripLeading();
        while (text.startsWith("--") || text.startsWith("/*")) {
            int end = text.startsWith("--") ? text.indexOf('\n') : text.indexOf("*/") + 1;
            if (end <= 0) return "";
            text = text.substring(end + 1).stripLeading();
        }
        return text;
    }

    private static String word(String text) {
        int end = 0;
        while (end < text.length() && Character.isLetter(text.charAt(end))) end++;
        return text.substring(0, end).toUpperCase(Locale.ROOT);
    }

    /** Whether MariaDB commits before and behind the statement by itself. */
    static boolean commits(String sql) {
        String text = withoutComments(sql);
        String first = word(text);
        String second = word(text.substring(first.length()).stripLeading());
        return COMMITTING.contains(first) && !second.equals("TEMPORARY");
    }

    /** Whether the text is of a kind that can generate keys. */
    static boolean writes(String sql) {
        String word = firstWord(sql);
        return word.equals("INSERT") || word.equals("REPLACE") || word.equals("UPDATE") || word.equals("DELETE")
            || word.equals("MERGE");
    }

    /** Whether RETURNING can be written behind the text: one that has no such word already. */
    static boolean canReturn(String sql) {
        String word = firstWord(sql);
        return (word.equals("INSERT") || word.equals("UPDATE") || word.equals("DELETE"))
            && !sql.toUpperCase(Locale.ROOT).matches("(?s).*\\bRETURNING\\b.*");
    }

    /** The text with its RETURNING. */
    static String returning(String sql, String[] columns) {
        String text = sql.stripTrailing();
        while (text.endsWith(";")) text = text.substring(0, text.length() - 1).stripTrailing();
        if (columns == null || columns.length == 0) return text + "\nRETURNING *";
        StringBuilder names = new StringBuilder();
        for (String column : columns) {
            if (names.length() > 0) names.append(", ");
            names.append('"').append(column.replace("\"", "\"\"")).append('"');
        }
        return text + "\nRETURNING " + names;
    }
}
