// SPDX-License-Identifier: MIT
#include "engine/quiesce.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <set>
#include <utility>
#include <vector>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "engine/flag_store.hpp"
#include "engine/db.hpp"
#include "engine/json.hpp"

namespace mtdb::engine {
namespace {

using base::milliseconds;
using control::Announcement;
using control::Flag;
using control::FlagState;
using control::Micros;
using db::Type;

// How often one who waits looks.
constexpr milliseconds memory_look(5), first_look(20), last_look(200);

std::vector<std::string> scopes_of(std::string_view list) {
    std::vector<std::string> scopes;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (const std::string_view name = base::trim(list.substr(0, comma)); !name.empty())
            scopes.push_back(control::scope_of(name));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return scopes;
}

Announcement announcement_of(const Options& options) {
    constexpr std::size_t name_max = 255;
    Announcement self;
    self.process = control::new_token();
    self.name = options.text("quiesce.process");
    if (self.name.empty()) self.name = program_invocation_short_name;
    char host[name_max + 1] = {};
    if (gethostname(host, sizeof host - 1) == 0) self.host = host;
    self.pid = getpid();
    self.scopes = scopes_of(options.text("quiesce.scopes"));
    if (self.name.size() > name_max) throw Error(Code::invalid_argument, "quiesce.process has more than 255 bytes");
    return self;
}

QuiesceRules rules_of(const Options& options) {
    QuiesceRules rules;
    rules.refresh = milliseconds(options.integer("quiesce.refresh_ms"));
    rules.announce = milliseconds(options.integer("quiesce.announce_ms"));
    if (rules.announce < 4 * rules.refresh)
        throw Error(Code::invalid_argument, "quiesce.announce_ms must be at least four times quiesce.refresh_ms");
    const std::string on_error = options.text("quiesce.on_error");
    rules.leases_open = on_error != "closed";
    rules.migrations_open = on_error == "open";
    rules.leases_wait = options.text("quiesce.leases") == "wait";
    return rules;
}

void add_time(TableRows& rows, std::optional<Micros> time) {
    if (!time || *time == control::no_end)
        rows.add_null();
    else
        rows.add(db::Value::integer(*time, Type::timestamptz));
}

std::string label_of(const Announcement& process) {
    return "'" + base::excerpt(process.name) + "' (pid " + std::to_string(process.pid) + " on " +
           base::excerpt(process.host) + ")";
}

int64_t stamp_of(const std::optional<Flag>& flag, FlagState state) {
    std::string text = control::name_of(state);
    if (flag)
        text += "@" + std::to_string(flag->set_at) + "-" + std::to_string(flag->expires_at) + "-" +
                std::to_string(flag->cleared_at.value_or(0));
    return static_cast<int64_t>(base::stable_hash64(text) >> 1 | 1);
}

std::optional<Flag> find(const control::Snapshot& snapshot, std::string_view scope) {
    const Flag* const flag = snapshot.find(scope);
    return flag != nullptr ? std::optional(*flag) : std::nullopt;
}

}  // namespace

Quiesce::Quiesce(Ref<Db> db, const Options& options)
    : db_(std::move(db)),
      options_(options),
      store_(options_.text("quiesce.store").empty()
                 ? db_->memory_store()
                 : open_flag_store(options_.text("quiesce.store"), options_.text("quiesce.table"))) {}

Ref<Quiesce> Quiesce::open(const Ref<Db>& db, const Options& options) {
    db->check_open();
    rules_of(options);
    scopes_of(options.text("quiesce.scopes"));
    return make<Quiesce>(db, options);
}

void Quiesce::check_open() const {
    db_->check_open();
    if (closed_.load(std::memory_order_acquire)) throw Error(Code::closed, "the quiesce handle is closed");
}

void Quiesce::create(const Wait& wait) {
    check_open();
    store_->create(wait);
}

void Quiesce::enable(const Wait& wait) {
    check_open();
    if (db_->holds().watching()) throw Error(Code::invalid_state, "the db obeys quiesce flags already");
    store_->read({}, wait);  // what is wrong is told before anything is held
    db_->holds().watch(store_, announcement_of(options_), rules_of(options_), wait);
    db_->ensure_maintenance();
    db_->holds().poke();
}

// ---- changing -----------------------------------------------------------------------------------

std::string Quiesce::token_for(const std::string& scope, std::string_view given) {
    if (!given.empty()) return std::string(given);
    auto tokens = tokens_.lock();
    const auto found = tokens->find(scope);
    return found == tokens->end() ? std::string() : found->second;
}

// The change is made: what goes wrong here costs the event only.
void Quiesce::told(std::string_view name, const Flag& flag, std::string_view by, std::string_view what,
                   telemetry::Events::AuditPlace place, int64_t asked_ms) noexcept {
    try {
        Json fields = Json::object();
        fields.add("target", std::string_view(flag.scope));
        fields.add("principal", by.empty() ? std::string_view("<unspecified>") : by);
        fields.add("outcome", std::string_view("success"));
        fields.add("started_at", std::string_view(control::time_text(flag.cleared_at.value_or(flag.set_at))));
        fields.add("quiesce.scope", std::string_view(flag.scope));
        if (!flag.reason.empty()) fields.add("quiesce.reason", std::string_view(flag.reason));
        if (!flag.cleared_at)
            fields.add("quiesce.expires_at", std::string_view(control::time_text(flag.expires_at)));
        if (asked_ms > 0) fields.add("quiesce.clamped_from_ms", asked_ms);
        db_->audit(name, control::tenant_of(flag.scope), "scope '" + flag.scope + "' was " + std::string(what),
                   fields.text(), std::move(place));
    } catch (const std::bad_alloc&) {
        db_->audit(name, {}, {}, {}, std::move(place));
    }
}

Quiesce::Granted Quiesce::set(std::string_view scope, std::string_view by, std::string_view reason, int64_t ttl_ms,
                              bool force, const Wait& wait) {
    check_open();
    const control::Ttl ttl = control::ttl_of(ttl_ms);
    control::check_principal(by);
    for (const std::string_view text : {by, reason})
        if (!base::valid_utf8(text) || text.find('\0') != std::string_view::npos)
            throw Error(Code::invalid_argument, "by and reason are UTF-8 without NUL");
    control::SetRequest request{control::scope_of(scope), std::string(by), std::string(reason), ttl.ms, force};
    auto place = db_->reserve_audit();
    const Flag flag = store_->set(request, wait);
    tokens_.lock()->insert_or_assign(flag.scope, flag.token);
    db_->holds().own(flag.scope, flag.token);
    db_->holds().poke();
    told("quiesce.set", flag, by, "quiesced", std::move(place), ttl.clamped ? ttl_ms : 0);
    return {flag.token, ttl.ms};
}

int64_t Quiesce::renew(std::string_view scope_text, std::string_view token, int64_t ttl_ms, const Wait& wait) {
    check_open();
    const control::Ttl ttl = control::ttl_of(ttl_ms);
    const std::string scope = control::scope_of(scope_text);
    auto place = db_->reserve_audit();
    const Flag flag = store_->renew(scope, token_for(scope, token), ttl.ms, wait);
    tokens_.lock()->insert_or_assign(flag.scope, flag.token);
    db_->holds().own(flag.scope, flag.token);
    db_->holds().poke();
    told("quiesce.renewed", flag, flag.set_by, "quiesced for longer", std::move(place), ttl.clamped ? ttl_ms : 0);
    return ttl.ms;
}

void Quiesce::clear(std::string_view scope_text, std::string_view by, std::string_view token, bool force,
                    const Wait& wait) {
    check_open();
    const std::string scope = control::scope_of(scope_text);
    auto place = db_->reserve_audit();
    const Flag flag = store_->clear(scope, token_for(scope, token), force, wait);
    tokens_.lock()->erase(scope);
    db_->holds().disown(scope);
    db_->holds().poke();
    told("quiesce.cleared", flag, by, "cleared", std::move(place), 0);
}

// ---- looking ------------------------------------------------------------------------------------

Ref<Result> Quiesce::query(std::string_view scope_text, const Wait& wait) {
    check_open();
    const std::string scope = scope_text.empty() ? std::string() : control::scope_of(scope_text);
    const control::Snapshot snapshot = store_->read(scope, wait);
    const Tokens own = *tokens_.lock();
    auto rows = std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"scope", "TEXT", Type::text},
                                        {"state", "TEXT", Type::text},
                                        {"set_at", "TIMESTAMPTZ", Type::timestamptz},
                                        {"set_by", "TEXT", Type::text},
                                        {"reason", "TEXT", Type::text},
                                        {"expires_at", "TIMESTAMPTZ", Type::timestamptz},
                                        {"cleared_at", "TIMESTAMPTZ", Type::timestamptz},
                                        {"owner", "TEXT", Type::text}});
    const auto add = [&](const Flag& flag, FlagState state) {
        rows->add_text(flag.scope);
        rows->add_text(control::name_of(state));
        const bool there = state != FlagState::none;
        add_time(*rows, there ? std::optional(flag.set_at) : std::nullopt);
        rows->add_text(flag.set_by);
        rows->add_text(flag.reason);
        add_time(*rows, there ? std::optional(flag.expires_at) : std::nullopt);
        add_time(*rows, flag.cleared_at);
        const auto mine = own.find(flag.scope);
        rows->add_text(flag.token.empty()                                    ? "none"
                       : mine != own.end() && mine->second == flag.token ? "self"
                                                                             : "other");
    };
    bool found = false;
    for (const Flag& flag : snapshot.flags) {
        if (!scope.empty() && flag.scope != scope) continue;
        found = true;
        add(flag, control::state_of(flag, snapshot.now));
    }
    if (!scope.empty() && !found) {
        Flag none;
        none.scope = scope;
        add(none, FlagState::none);
    }
    return Result::of_rows(std::move(rows));
}

bool Quiesce::watch(std::string_view scope_text, int64_t since, const Wait& wait, Seen& seen) {
    const std::string scope = control::scope_of(scope_text);
    const milliseconds look = store_->remote() ? milliseconds(options_.integer("quiesce.refresh_ms")) : memory_look;
    for (;;) {
        check_open();
        const control::Snapshot snapshot = store_->read(scope, wait);
        const std::optional<Flag> flag = find(snapshot, scope);
        seen.state = control::state_of(flag, snapshot.now);
        seen.stamp = stamp_of(flag, seen.state);
        if (seen.stamp != since) return true;
        milliseconds pause = look;
        if (seen.state == FlagState::active && flag->expires_at != control::no_end)
            pause = std::min(pause, milliseconds((flag->expires_at - snapshot.now) / 1000 + 1));
        wait.pause(pause);
        if (wait.cancelled() || wait.shut_down()) throw wait.error("a change of the quiesce flag");
        if (wait.deadline.passed()) return false;
    }
}

Ref<Result> Quiesce::wait_parked(std::string_view scope_text, const Wait& wait) {
    const std::string scope = control::scope_of(scope_text);
    std::set<std::string> late;  // labels of those that were not parked at some look
    for (milliseconds pause = store_->remote() ? first_look : memory_look;; pause = std::min(pause * 2, last_look)) {
        check_open();
        db_->holds().catch_up();
        // The flag first: the announcements that count are those after it.
        const control::Snapshot snapshot = store_->read(scope, wait);
        const std::optional<Flag> flag = find(snapshot, scope);
        const FlagState state = control::state_of(flag, snapshot.now);
        if (state != FlagState::active)
            throw Error(Code::invalid_state,
                        "the flag of scope '" + scope + "' is not active: " + control::name_of(state));
        std::string missing;
        auto rows = std::make_unique<TableRows>(std::vector<TableRows::Heading>{{"process", "TEXT", Type::text},
                                                                                {"host", "TEXT", Type::text},
                                                                                {"pid", "INT64", Type::int64},
                                                                                {"state", "TEXT", Type::text}});
        std::set<std::string> gone = late;
        for (const Announcement& process : store_->processes(wait)) {
            if (!control::obeys(process, scope)) continue;
            gone.erase(label_of(process));
            const bool parked = control::parked_for(process, *flag);
            if (!parked) {
                late.insert(label_of(process));
                missing += (missing.empty() ? "" : ", ") + label_of(process);
            }
            rows->add_text(process.name);
            rows->add_text(process.host);
            rows->add_integer(process.pid);
            rows->add_text("parked");
        }
        if (missing.empty()) {
            for (const std::string& label : gone) {
                rows->add_text(label);
                rows->add_null();
                rows->add_null();
                rows->add_text("gone");
            }
            return Result::of_rows(std::move(rows));
        }
        wait.pause(pause);
        if (wait.over()) throw wait.error(("these processes to park: " + base::excerpt(missing, 400)).c_str());
    }
}

}  // namespace mtdb::engine
