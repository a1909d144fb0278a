// SPDX-License-Identifier: MIT
// What keeps the migrators of one tenant apart, ours and the other tools': polled with back-off and jitter, never
// waited for inside the server, where a waiter can block what the holder runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/backend.hpp"
#include "migrate/history.hpp"

namespace mtdb::migrate {

// ---- what the tools call their locks ----

// Java's hash of a text, over its UTF-16 units.
int32_t java_hash(std::string_view text) noexcept;
int64_t flyway_number(std::string_view schema, std::string_view table);
std::string flyway_name(std::string_view database, std::string_view table);
// golang-migrate's id, of its parts in the order that it joins them in: the database's name comes last.
uint32_t golang_id(std::span<const std::string_view> parts) noexcept;

// Where a session stands.
struct LockPlace {
    std::string database;
    std::string name;  // of the namespace
};
// As much of it as is known without a question.
struct SessionPlace {
    std::string database, name;  // empty: unknown
};
// False: the keys of that history's tool are of the namespace alone.
bool needs_database(const db::LockDialect& dialect, Format format) noexcept;
// As they stand in a query: numbers, or quoted names. Of golang-migrate both ids that its version 4 makes of one
// database, opened by URL and by an instance.
std::vector<std::string> tool_keys(const db::LockDialect& dialect, Format format, const LockPlace& place,
                                   std::string_view table);
std::string own_key(const db::LockDialect& dialect, const LockPlace& place);
// Held while an index is built concurrently: one at a time in a database.
std::string index_key(const db::LockDialect& dialect);

// Every "{name}" in `text` becomes `value`.
std::string with_value(std::string_view text, std::string_view name, std::string_view value);
// The first words of a statement, without anything that may be a value.
std::string first_words(std::string_view sql);

struct LockLimits {
    base::milliseconds timeout{3000};  // of one wait of a statement for a lock of others; 0: the server's own
    int64_t retries = 10;
};

class Lock {
public:
    Lock(db::Connection& connection, const db::LockDialect& dialect, const HistoryTexts& texts,
         const LockLimits& limits)
        : connection_(connection),
          dialect_(dialect),
          texts_(texts),
          limits_(limits),
          format_(texts.preferred()) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    // Only where the caller is failing already; a session that keeps a lock is not used again.
    ~Lock();

    bool of_session() const noexcept { return !dialect_.try_session.empty(); }
    bool of_transaction() const noexcept { return !dialect_.try_transaction.empty(); }
    const LockLimits& limits() const noexcept { return limits_; }

    // Where the session stands, as far as the caller knows.
    void set_place(const SessionPlace& place) { known_ = place; }
    // Whose history is locked: the preferred one's at first. Gives back what the session holds for another.
    void set_format(Format format);
    Format format() const noexcept { return format_; }

    // For the rest of the open transaction; false: somebody else has it. Bounds the waits of its statements.
    bool try_take(const Wait& wait);
    // For the session, where it can hold it: returns once it does, or throws Error(migration_locked) at the deadline.
    // Outside a transaction. Else nothing.
    void take(const Wait& wait);
    bool held() const noexcept { return !held_.empty(); }
    // Gives back the other tools' keys, and takes the one that lets an index be built.
    void begin_index(const Wait& wait);
    // What the session holds. Throws when it cannot be given back.
    void release();

    // Half of it at least. Throws Error(migration_locked), which names the holder, at the deadline.
    void rest(base::milliseconds pause, const Wait& wait) const;
    // Whether a statement that failed so, and was undone, is tried again: after a pause. Else an error that was a wait
    // for locks of others becomes Error(migration_locked), which names who stood in the way.
    bool may_retry(const Error& error, int64_t tries, const Wait& wait) const;

    static base::milliseconds longer(base::milliseconds pause) { return pause * 2 < pause_max ? pause * 2 : pause_max; }
    static constexpr base::milliseconds pause_min{10};

private:
    static constexpr base::milliseconds pause_max{500}, retry_pause_max{2000}, grace{5000};

    void name_keys(const Wait& wait);
    bool try_key(const std::string& key, const Wait& wait);
    void give_back(const std::string& key);
    void take_key(const std::string& key, const Wait& wait);
    std::string who(std::string_view query) const;
    std::string blocker() const noexcept;
    void pause(base::milliseconds longest, const Wait& wait) const;

    db::Connection& connection_;
    const db::LockDialect& dialect_;
    const HistoryTexts& texts_;
    const LockLimits limits_;
    Format format_;
    SessionPlace known_;
    std::vector<std::string> keys_;  // ours first
    std::vector<std::string> held_;  // by the session
    bool bounded_ = false;
};

}  // namespace mtdb::migrate
