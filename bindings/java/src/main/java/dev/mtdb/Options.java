// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Keys and values for one kind of call. Each kind has a method per option; {@link #set} takes any key as text. A key or
 * value that the library does not know is refused where the options are used.
 *
 * @param <S> the kind itself
 */
public abstract class Options<S extends Options<S>> {
    private final Map<String, String> values = new LinkedHashMap<>();

    /** Makes an empty set. */
    Options() {}

    /**
     * Sets an option by its key.
     *
     * @param key as the options page of the docs names it
     * @param value its value as text
     * @return this
     */
    @SuppressWarnings("unchecked")
    public S set(String key, String value) {
        if (key == null || value == null) throw new IllegalArgumentException("an option has a key and a value");
        values.put(key, value);
        return (S) this;
    }

    /** For a time in milliseconds. */
    final S set(String key, Duration time) {
        return set(key, Long.toString(time.toMillis()));
    }

    /** For a choice. */
    final S set(String key, Enum<?> choice) {
        String name = choice.name().toLowerCase(java.util.Locale.ROOT);
        return set(key, key.equals("tls.mode") ? name.replace('_', '-') : name);
    }

    /**
     * What was set, by key.
     *
     * @return a copy, secrets included
     */
    public Map<String, String> toMap() {
        return new LinkedHashMap<>(values);
    }

    /** The keys alone: values may be secrets. */
    @Override
    public String toString() {
        return "options " + values.keySet();
    }
}
