// SPDX-License-Identifier: MIT
#include "pool/statement_cache.hpp"

namespace mtdb::pool {

Compiled* StatementCache::take(std::string_view sql, uint64_t hash) noexcept {
    const auto found = by_hash_.find(hash);
    if (found == by_hash_.end() || found->second->out || found->second->sql != sql) {
        ++misses_;
        return nullptr;
    }
    ++hits_;
    found->second->out = true;
    found->second->used = ++clock_;
    return found->second.get();
}

Compiled* StatementCache::add(std::unique_ptr<Compiled> compiled) {
    compiled->out = true;
    compiled->used = ++clock_;
    if (size_max_ <= 0 || by_hash_.contains(compiled->hash)) return compiled.release();
    make_room();
    if (static_cast<int64_t>(by_hash_.size()) >= size_max_) return compiled.release();
    Compiled* const kept = compiled.get();
    by_hash_.emplace(compiled->hash, std::move(compiled));
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

void StatementCache::clear() noexcept { by_hash_.clear(); }

// Frees the one that was used longest ago; the cache is small and this happens only when a new text
// is compiled.
void StatementCache::make_room() noexcept {
    if (static_cast<int64_t>(by_hash_.size()) < size_max_) return;
    auto oldest = by_hash_.end();
    for (auto at = by_hash_.begin(); at != by_hash_.end(); ++at)
        if (!at->second->out &&
            (oldest == by_hash_.end() || at->second->used < oldest->second->used))
            oldest = at;
    if (oldest != by_hash_.end()) by_hash_.erase(oldest);
}

}  // namespace mtdb::pool
