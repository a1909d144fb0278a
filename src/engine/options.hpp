// SPDX-License-Identifier: MIT
// Every option there is, as one table, and a set of values for them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/backend.hpp"

namespace mtdb::engine {

// Which call an option belongs to; an option may belong to several.
enum class Scope : uint32_t {
    db = 1,
    migrator = 2,
    lease = 4,
    tx = 8,
    run = 16,
    fleet = 32,
    quiesce = 64,
    driver = 256
};
constexpr Scope operator|(Scope a, Scope b) {
    return static_cast<Scope>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
std::string_view name_of(Scope scope) noexcept;

enum class Kind { text, integer, boolean, choice };

struct Option {
    std::string_view key;  // ends in '.': a prefix, the rest of a key names an item
    uint32_t scopes;       // of Scope
    Kind kind;
    std::string_view fallback;  // the default, as text
    int64_t min;
    int64_t max;
    std::string_view choices;  // separated by '|'
    bool secret;
    std::string_view since;
    std::string_view doc;      // one sentence
    int64_t fallback_integer;  // of an integer or a boolean

    constexpr bool prefix() const { return key.back() == '.'; }
};

std::span<const Option> options() noexcept;

// A set of values. Copyable; not for two threads at once while it changes.
class Options final : public db::Settings {
public:
    // Each throws Error(invalid_argument): an unknown key, a value of another type, or one that
    // is not allowed.
    // Takes over what `other` has set; its values win.
    void add(const Options& other);
    void set_text(std::string_view key, std::string_view value);
    void set_integer(std::string_view key, int64_t value);
    void set_boolean(std::string_view key, bool value);

    // What was set, else the default; a secret that was set reads as "***". Throws for an
    // unknown key.
    std::string get_text(std::string_view key) const;
    // True when the key was set. Throws for an unknown key.
    bool has(std::string_view key) const;
    // Throws Error(invalid_argument) when an option of other scopes only is set; several scopes are each one fine.
    void check_scope(Scope scope) const;
    // The items of a prefix key such as "tenant.map.": what follows it, and the value. Views
    // live until the next change.
    std::vector<std::pair<std::string_view, std::string_view>> prefixed(
        std::string_view prefix) const;

    std::string text(std::string_view key) const override;
    int64_t integer(std::string_view key) const override;
    bool boolean(std::string_view key) const override;

    static int32_t count() noexcept;
    // One option as a JSON object. Throws Error(invalid_argument) for an index out of range.
    static std::string describe(int32_t index);
    // The description of any option; separate so that it can be tested with one of its own.
    static std::string describe(const Option& option);

private:
    struct Value {
        const Option* option;
        std::string text;
        int64_t integer;
    };
    const Value* find(const Option& option) const noexcept;
    void put(const Option& option, std::string text, int64_t integer);

    std::vector<Value> values_;
    std::map<std::string, std::string, std::less<>> items_;  // of the prefix keys, by whole key
};

// How a value is shown to people: a secret that is not empty is "***".
std::string shown(const Option& option, std::string_view value);

}  // namespace mtdb::engine
