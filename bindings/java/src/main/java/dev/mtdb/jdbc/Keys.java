// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import java.util.Locale;

/** Generated keys, where the engine returns them only when the statement says so. */
final class Keys {
    private Keys() {}

    private static String firstWord(String sql) {
        String text = sql.stripLeading();
        while (text.startsWith("--") || text.startsWith("/*")) {
            int end = text.startsWith("--") ? text.indexOf('\n') : text.indexOf("*/") + 1;
            if (end <= 0) return "";
            text = text.substring(end + 1).stripLeading();
        }
        int end = 0;
        while (end < text.length() && Character.isLetter(text.charAt(end))) end++;
        return text.substring(0, end).toUpperCase(Locale.ROOT);
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
