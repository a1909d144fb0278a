// SPDX-License-Identifier: MIT
#include "pool/statement_cache.hpp"

#include <doctest/doctest.h>

#include "base/checksum.hpp"

using namespace mtdb;
using pool::Compiled;
using pool::StatementCache;

namespace {

int alive = 0;
int cleared = 0;

class FakeStatement final : public db::Statement {
public:
    FakeStatement() { ++alive; }
    ~FakeStatement() override { --alive; }
    int32_t column_count() const override { return 0; }
    db::Column column(int32_t) const override { return {}; }
    bool next(const Wait&) override { return false; }
    db::Value value(int32_t) const override { return {}; }
    int32_t parameter_count() const override { return 0; }
    int32_t parameter_index(std::string_view) const override { return 0; }
    void bind(int32_t, const db::Value&, db::Lifetime) override {}
    void clear_bindings() noexcept override { ++cleared; }
    bool read_only() const override { return true; }
    db::Control control() const override { return db::Control::none; }
    void run(const Wait&) override {}
    int64_t affected() const override { return 0; }
    void reset() noexcept override {}
    bool reading() const override { return false; }
};

Compiled* add(StatementCache& cache, const char* sql) {
    auto compiled = std::make_unique<Compiled>();
    compiled->sql = sql;
    compiled->hash = base::hash64(sql);
    compiled->statement = std::make_unique<FakeStatement>();
    return cache.add(std::move(compiled));
}
Compiled* take(StatementCache& cache, const char* sql) {
    return cache.take(sql, base::hash64(sql));
}

}  // namespace

TEST_CASE("a text is compiled once and taken again, its bindings cleared") {
    {
        StatementCache cache(2);
        CHECK(take(cache, "a") == nullptr);
        Compiled* const a = add(cache, "a");
        CHECK(take(cache, "a") == nullptr);  // it is out
        const int before = cleared;
        cache.give_back(a);
        CHECK(cleared == before + 1);
        CHECK(take(cache, "a") == a);
        cache.give_back(a);
        CHECK(cache.take_hits() == 1);
        CHECK(cache.take_misses() == 2);
        CHECK(cache.take_hits() == 0);
    }
    CHECK(alive == 0);
}

TEST_CASE("the one used longest ago makes room, never one that is out") {
    StatementCache cache(2);
    Compiled* const a = add(cache, "a");
    Compiled* const b = add(cache, "b");
    cache.give_back(a);
    cache.give_back(b);
    cache.give_back(take(cache, "a"));
    cache.give_back(add(cache, "c"));
    CHECK(take(cache, "b") == nullptr);
    Compiled* const held = take(cache, "a");
    CHECK(held == a);
    cache.give_back(add(cache, "d"));  // c goes: a is out
    CHECK(take(cache, "c") == nullptr);
    cache.give_back(held);
    cache.clear();
    CHECK(alive == 0);
}

TEST_CASE(
    "without room, or when its text is out already, a statement is freed when it comes back") {
    StatementCache none(0);
    Compiled* const lone = add(none, "a");
    CHECK(alive == 1);
    none.give_back(lone);
    CHECK(alive == 0);
    StatementCache cache(1);
    Compiled* const first = add(cache, "a");
    Compiled* const twin = add(cache, "a");
    Compiled* const other = add(cache, "b");
    CHECK(alive == 3);
    cache.give_back(twin);
    cache.give_back(other);
    CHECK(alive == 1);
    cache.give_back(first);
    CHECK(take(cache, "a") == first);
    cache.give_back(first);
    cache.give_back(nullptr);
}

TEST_CASE("two texts of one hash are not mistaken for each other") {
    StatementCache cache(4);
    Compiled* const a = add(cache, "a");
    cache.give_back(a);
    CHECK(cache.take("b", base::hash64("a")) == nullptr);
}

TEST_CASE("a scope's statements are its own, and those of its tenant's other versions go first") {
    const uint64_t one = pool::Scope::first_of(1);
    const uint64_t two = pool::Scope::first_of(2);
    CHECK(pool::Scope::tenant_of(pool::Scope::next(one)) == 1);
    CHECK(pool::Scope::next(one) != one);
    {
        StatementCache cache(3);
        const auto give = [&](const char* sql, uint64_t scope) {
            auto compiled = std::make_unique<Compiled>();
            compiled->sql = sql;
            compiled->hash = base::hash64(sql);
            compiled->statement = std::make_unique<FakeStatement>();
            cache.give_back(cache.add(std::move(compiled), scope));
        };
        const auto has = [&](const char* sql, uint64_t scope) {
            Compiled* const found = cache.take(sql, base::hash64(sql), scope);
            cache.give_back(found);
            return found != nullptr;
        };
        give("a", one);
        CHECK(has("a", one));
        CHECK_FALSE(has("a", two));
        CHECK_FALSE(has("a", 0));
        CHECK_FALSE(has("a", pool::Scope::next(one)));
        give("a", two);
        give("b", one);
        CHECK(has("a", one));
        CHECK(has("a", two));
        CHECK(has("b", one));
        give("a", pool::Scope::next(one));  // though two's "a" was used longer ago than "b"
        CHECK(has("a", two));
        CHECK_FALSE(has("a", one));
        give("b", pool::Scope::next(one));
        CHECK_FALSE(has("b", one));
        CHECK(has("a", two));
        give("c", pool::Scope::next(one));  // nothing is past: the one used longest ago
        CHECK_FALSE(has("a", pool::Scope::next(one)));
        CHECK(alive == 3);
    }
    CHECK(alive == 0);
}
