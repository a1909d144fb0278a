// SPDX-License-Identifier: MIT
#include "pool/statement_cache.hpp"

namespace mtdb::pool {

Compiled* StatementCache::take(std::string_view sql, uint64_t hash, uint64_t scope) noexcept {
    const auto found = by_key_.find(key_of(hash, scope));
    if (found == by_key_.end() || found->second->out || found->second->scope != scope ||
        found->second->sql != sql) {
        ++misses_;
        return nullptr;
    }
    ++hits_;
    found->second->out = true;
    found->second->used = ++clock_;
    return found->second.get();
}

Compiled* StatementCache::add(std::unique_ptr<Compiled> compiled, uint64_t scope) {
    const uint64_t key = key_of(compiled->hash, scope);
    compiled->scope = scope;
    compiled->out = true;
    compiled->used = ++clock_;
    if (size_max_ <= 0 || by_key_.contains(key)) return compiled.release();
    make_room(scope);
    if (static_cast<int64_t>(by_key_.size()) >= size_max_) return compiled.release();
    Compiled* const kept = compiled.get();
    by_key_.emplace(key, std::move(compiled));
    kept->cached = true;
    return kept;
}

void StatementCache::give_back(Compiled* compiled) noexcept {
    if (compiled == nullptr) return;
    if (!compiled->cached) {
        delete compiled;
        return;
    }
    compiled->statement->reset();
    compiled->statement->clear_bindings();
    compiled->out = false;
}

void StatementCache::clear() noexcept { by_key_.clear(); }

// Frees one that can never be taken again, else the one that was used longest ago; the cache is small and this happens
// only when a new text is compiled.
void StatementCache::make_room(uint64_t scope) noexcept {
    if (static_cast<int64_t>(by_key_.size()) < size_max_) return;
    const auto past = [scope](const Compiled& each) {
        return each.scope != scope && Scope::tenant_of(each.scope) == Scope::tenant_of(scope);
    };
    auto oldest = by_key_.end();
    for (auto at = by_key_.begin(); at != by_key_.end(); ++at) {
        if (at->second->out) continue;
        if (oldest == by_key_.end() || past(*at->second) > past(*oldest->second) ||
            (past(*at->second) == past(*oldest->second) && at->second->used < oldest->second->used))
            oldest = at;
    }
    if (oldest != by_key_.end()) by_key_.erase(oldest);
}

}  // namespace mtdb::pool
