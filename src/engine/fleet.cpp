// SPDX-License-Identifier: MIT
#include "engine/fleet.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <random>
#include <thread>
#include <utility>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "engine/db.hpp"
#include "engine/error_json.hpp"
#include "engine/gate.hpp"

namespace mtdb::engine {
namespace {

using control::ItemState;
using db::Type;

constexpr base::milliseconds ledger_grace{10000};  // to write down what was done, whatever ended the run
constexpr base::milliseconds retry_pause_max{30000};

Wait grace() { return Wait{Deadline::in(ledger_grace), nullptr, nullptr}; }

control::Resume resume_of(std::string_view text) {
    return text == "failed"    ? control::Resume::failed
           : text == "applied" ? control::Resume::applied
                               : control::Resume::rest;
}

control::Budget budget_of(const Options& options) {
    control::Budget budget;
    budget.stop_at_first = options.text("fleet.on_failure") == "stop";
    const std::string failures = options.text("fleet.failures_max");
    if (!failures.empty()) budget.failures = control::parse_share(failures, "fleet.failures_max");
    if (const int64_t row = options.integer("fleet.failures_in_row_max"); row > 0) budget.consecutive = row;
    return budget;
}

std::string hex_of(uint64_t hash) {
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (int i = 0; i < 16; ++i, hash >>= 4) hex += digits[hash & 15];
    return hex;
}

// Names a run that the host gave no name: its time, and what no other process has.
std::string fresh_name() {
    std::random_device random;
    const uint64_t salt = uint64_t{random()} << 32 | random();
    return "run-" +
           std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count()) +
           "-" + hex_of(salt).substr(0, 8);
}

void add_text_or_null(TableRows& rows, const std::string& text) {
    text.empty() ? rows.add_null() : rows.add_text(text);
}

}  // namespace

Fleet::Verb Fleet::verb_of(std::string_view name) {
    if (name == "migrate") return Verb::migrate;
    if (name == "undo") return Verb::undo;
    if (name == "info") return Verb::info;
    if (name == "validate") return Verb::validate;
    return Verb::sql;
}

Fleet::Fleet(Ref<Db> db, Ref<Migrator> migrator, const Options& options)
    : db_(std::move(db)),
      migrator_(std::move(migrator)),
      options_(options),
      verb_(verb_of(options_.text("fleet.verb"))),
      target_(options_.text("fleet.target")),
      resume_(resume_of(options_.text("fleet.resume"))),
      resumes_(options_.text("fleet.resume") != "new"),
      budget_(budget_of(options_)),
      token_(options_.text("migrate.quiesce_token")),
      run_(options_.text("fleet.run")) {}

Ref<Fleet> Fleet::open(const Ref<Db>& db, Ref<Migrator> migrator, const Options& options) {
    db->check_open();
    if (migrator && &migrator->db() != db.get())
        throw Error(Code::invalid_argument, "the migrator is another db's");
    Ref<Fleet> fleet = Ref<Fleet>::adopt(new Fleet(db, std::move(migrator), options));
    if (fleet->verb_ == Verb::sql) {
        if (options.text("fleet.sql").empty())
            throw Error(Code::invalid_argument, "verb 'sql' needs option fleet.sql");
    } else if (!fleet->migrator_) {
        throw Error(Code::invalid_argument, "verb '" + options.text("fleet.verb") + "' needs a migrator");
    } else if (fleet->verb_ == Verb::undo) {
        if (fleet->resume_ != control::Resume::applied) migrate::Target::of_undo(fleet->target_);
    } else {
        migrate::Target::of_migrate(fleet->target_);
    }
    control::parse_shares(options.text("fleet.waves"), "fleet.waves");
    control::parse_share(options.text("fleet.canary"), "fleet.canary");
    if (fleet->resumes_ && fleet->run_.empty())
        throw Error(Code::invalid_argument, "a run is taken up by its name: option fleet.run");
    if (fleet->resume_ == control::Resume::applied && fleet->verb_ != Verb::undo)
        throw Error(Code::invalid_argument,
                    "fleet.resume=applied undoes what the run applied: fleet.verb must be undo");
    return fleet;
}

void Fleet::add(std::string_view tenant) {
    db_->check_tenant(tenant);
    auto shared = shared_.lock();
    if (shared->phase != Phase::fresh) throw Error(Code::invalid_state, "the run has begun: its list is final");
    Item item;
    item.record.number = static_cast<int64_t>(shared->items.size());
    item.record.tenant = tenant;
    shared->items.push_back(std::move(item));
}

void Fleet::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    changed_.notify_all();
}

int64_t Fleet::failed() const {
    auto shared = shared_.lock();
    return static_cast<int64_t>(shared->tally.failed + shared->failed_before);
}

void Fleet::decide(bool go_on) {
    auto shared = shared_.lock();
    if (shared->phase != Phase::verdict || shared->inside)
        throw Error(Code::invalid_state, "the run does not wait for a verdict");
    shared->phase = Phase::running;
    if (go_on) return;
    shared.unlocked([&] { end(Phase::halted, "the host's verdict", grace()); });
}

// ---- the beginning ------------------------------------------------------------------------------

control::RunRecord Fleet::record(Phase phase) const {
    auto shared = shared_.lock();
    control::RunRecord record;
    record.run = run_;
    record.verb = options_.text("fleet.verb");
    record.target = target_;
    record.plan = plan_;
    record.state = phase == Phase::done      ? "done"
                   : phase == Phase::halted  ? "halted"
                   : phase == Phase::stopped ? "stopped"
                                             : "running";
    record.reason = shared->reason;
    record.tenants = static_cast<int64_t>(shared->items.size());
    record.wave = static_cast<int64_t>(shared->wave);
    return record;
}

void Fleet::prepare(const Wait& wait) {
    if (migrator_) runner_ = migrator_->runner();
    const std::string what = options_.text("fleet.verb") + "|" + target_ + "|" + options_.text("fleet.sql") + "|" +
                             (runner_ ? runner_->fingerprint() : std::string());
    plan_ = hex_of(base::stable_hash64(what));
    if (options_.text("fleet.ledger") == "on") {
        store_ = control_store_of(db_->options(), db_->root(), wait);
        if (store_ == nullptr)
            throw Error(Code::invalid_argument,
                        "a fleet run keeps a ledger in the control store: set option control of the db, or "
                        "fleet.ledger=off for a run that cannot be taken up");
        ledger_ = std::make_unique<control::Ledger>(store_->connect(wait), store_->dialect(), wait);
    }
    if (run_.empty()) run_ = fresh_name();
    if (resumes_) {
        const auto found = ledger_ ? ledger_->find(run_, wait) : std::nullopt;
        if (!found) throw Error(Code::not_found, "the ledger has no fleet run '" + base::excerpt(run_) + "'");
        take_up(*found, wait);
    } else {
        begin_new(wait);
    }
    auto shared = shared_.lock();
    const std::size_t tenants = shared->items.size();
    const control::Share canary = control::parse_share(options_.text("fleet.canary"), "fleet.canary");
    shared->ends = control::wave_ends(tenants, canary.of(tenants),
                                      control::parse_shares(options_.text("fleet.waves"), "fleet.waves"));
    for (std::size_t wave = 0, at = 0; wave < shared->ends.size(); ++wave)
        for (; at < shared->ends[wave]; ++at) shared->items[at].wave = wave;
    shared->started = base::Clock::now();
    shared->phase = Phase::running;
}

void Fleet::begin_new(const Wait& wait) {
    std::vector<Item> items = shared_.lock()->items;
    if (items.empty()) {
        for (std::string& tenant : db_->all_tenants(wait)) {
            Item item;
            item.record.number = static_cast<int64_t>(items.size());
            item.record.tenant = std::move(tenant);
            items.push_back(std::move(item));
        }
    }
    std::vector<control::ItemRecord> records;
    records.reserve(items.size());
    for (const Item& item : items) records.push_back(item.record);
    shared_.lock()->items = std::move(items);
    if (ledger_) ledger_->begin(record(Phase::running), records, wait);
    read_seen(wait);
}

// The ledger's list is the run's: the same tenants in the same order, whatever has come or gone since.
void Fleet::take_up(const control::RunRecord& run, const Wait& wait) {
    const bool undoes = resume_ == control::Resume::applied;
    if (!undoes && run.plan != plan_)
        throw Error(Code::invalid_argument,
                    "fleet run '" + base::excerpt(run_) +
                        "' was begun with another verb, target or other scripts: begin a new one");
    std::vector<Item> items;
    control::Tally tally;
    std::size_t failed_before = 0;
    for (control::ItemRecord& record : ledger_->items(run_, wait)) {
        Item item;
        const bool due = control::is_due(record.state, record.applied, resume_);
        if (!due && record.state == ItemState::done) ++tally.done;
        if (!due && record.state == ItemState::failed) ++failed_before;
        item.record = std::move(record);
        if (due) item.record.state = ItemState::pending;
        items.push_back(std::move(item));
    }
    auto shared = shared_.lock();
    if (!shared->items.empty())
        throw Error(Code::invalid_state, "a run that is taken up has its list in the ledger");
    shared->items = std::move(items);
    shared->tally = tally;
    shared->failed_before = failed_before;
    if (!undoes) plan_ = run.plan;
}

void Fleet::read_seen(const Wait& wait) {
    if (!ledger_ || verb_ != Verb::migrate || options_.text("fleet.trust") != "ledger") return;
    // What a script's text depends on besides its file, no ledger has seen.
    if (runner_->source().differs_by_tenant() || !runner_->source().callbacks().empty()) return;
    for (control::Seen& seen : ledger_->seen(plan_, wait)) {
        std::string tenant = seen.tenant;
        seen_.insert_or_assign(std::move(tenant), std::move(seen));
    }
}

// ---- waves --------------------------------------------------------------------------------------

Fleet::Turn Fleet::run(const Wait& wait) {
    {
        auto shared = shared_.lock();
        if (shared->inside) throw Error(Code::misuse, "another thread runs this fleet run");
        if (shared->phase == Phase::verdict)
            throw Error(Code::invalid_state, "the run waits for a verdict: mtdb_fleet_decide()");
        if (shared->phase != Phase::fresh && shared->phase != Phase::running)
            throw Error(Code::invalid_state, "the run has ended: take it up by its name");
        shared->inside = true;
    }
    struct Leave {
        Fleet& fleet;
        ~Leave() { fleet.shared_.lock()->inside = false; }
    } leave{*this};
    if (shared_.lock()->phase == Phase::fresh) prepare(wait);
    return go_on(wait);
}

Fleet::Turn Fleet::go_on(const Wait& wait) {
    held_.reset();  // nobody else is inside
    held_now_ = false;
    if (is_held(wait)) throw held_->with_message("the fleet run pauses: " + held_->message());
    for (;;) {
        std::size_t wave = 0;
        std::size_t waves = 0;
        {
            auto shared = shared_.lock();
            wave = shared->wave;
            waves = shared->ends.size();
        }
        if (wave >= waves) break;
        run_wave(wave, wait);
        if (const auto reason = why_halt()) {
            end(Phase::halted, *reason, grace());
            std::optional<Error> first;
            for (const Item& item : shared_.lock()->items)
                if (item.failure && !first) first = item.failure;
            const Error cause = first ? *first : Error(Code::migration_failed, "a tenant failed");
            throw cause.with_message("the fleet run halted: " + *reason +
                                     "; the first failure: " + cause.message());
        }
        if (stopping_.load(std::memory_order_acquire)) {
            end(Phase::stopped, "stopped by the host", grace());
            throw Error(Code::cancelled, "the fleet run was stopped: what had begun was done to its end");
        }
        tell_wave(wave);
        const bool last = wave + 1 == waves;
        shared_.lock()->wave = wave + 1;
        if (ledger_) ledger_->save(record(Phase::running), grace());
        if (last) break;
        wait.pause(base::milliseconds(options_.integer("fleet.soak_ms")));
        if (wait.over()) wait.check("the fleet run's next wave");
        if (!options_.boolean("fleet.verdict")) continue;
        shared_.lock()->phase = Phase::verdict;
        return Turn::verdict;
    }
    end(Phase::done, {}, grace());
    return Turn::ended;
}

std::vector<std::size_t> Fleet::due_in(std::size_t wave) {
    auto shared = shared_.lock();
    std::vector<std::size_t> due;
    const std::size_t begin = wave == 0 ? 0 : shared->ends[wave - 1];
    for (std::size_t i = begin; i < shared->ends[wave]; ++i)
        if (control::is_due(shared->items[i].record.state, 0, control::Resume::rest)) due.push_back(i);
    return due;
}

void Fleet::run_wave(std::size_t wave, const Wait& wait) {
    std::vector<std::size_t> due = skip_unchanged(due_in(wave));
    // By parts: what is read ahead must still be so when its turn comes, and a wave may be the whole fleet.
    constexpr std::size_t part = 8 * migrate::Histories::together_max;
    for (std::size_t at = 0; at < due.size(); at += part) {
        if (stopping_.load(std::memory_order_acquire) || why_halt()) return;
        wait.check("the fleet run's next tenants");
        const std::size_t end = std::min(at + part, due.size());
        dispatch(look_ahead({due.begin() + static_cast<std::ptrdiff_t>(at),
                             due.begin() + static_cast<std::ptrdiff_t>(end)},
                            wait),
                 wait);
    }
}

// What the ledger saw with the same plan and an unchanged file is as it was.
std::vector<std::size_t> Fleet::skip_unchanged(std::vector<std::size_t> due) {
    if (seen_.empty()) return due;
    std::vector<std::size_t> left;
    std::vector<std::size_t> skipped;
    for (const std::size_t place : due) {
        Item& item = shared_.lock()->items[place];  // the caller's thread alone changes the list
        const auto seen = seen_.find(item.record.tenant);
        const std::string identity = seen == seen_.end() ? std::string() : db_->identity_of(item.record.tenant);
        if (identity.empty() || identity != seen->second.identity) {
            left.push_back(place);
            continue;
        }
        item.record.state = ItemState::done;
        item.record.version = seen->second.version;
        item.record.standing = seen->second.standing;
        skipped.push_back(place);
    }
    save(skipped);
    auto shared = shared_.lock();
    for (const std::size_t place : skipped) count_end(*shared, shared->items[place]);
    return left;
}

// Reads the histories of as many tenants as a query takes: most have nothing to do, and are done without a lease.
std::vector<std::size_t> Fleet::look_ahead(std::vector<std::size_t> due, const Wait& wait) {
    const bool reads = verb_ == Verb::migrate || verb_ == Verb::info || verb_ == Verb::validate;
    if (!reads || due.size() < 2) return due;
    // Scripts that differ from tenant to tenant, and callbacks that run where nothing is to do, need the tenant itself.
    if (runner_->source().differs_by_tenant() || !runner_->source().callbacks().empty()) return due;
    if (!db_->dialect().shares_connections) return glance_at(due, wait);
    if (!db_->tenants_are_namespaces() || !migrate::Histories::offered(db_->dialect())) return due;
    std::map<std::string, std::vector<std::size_t>> by_server;
    std::map<std::size_t, std::string> names;
    std::vector<std::size_t> left, settled;
    for (const std::size_t place : due) {
        const auto where = db_->place_of(shared_.lock()->items[place].record.tenant);
        if (!where || where->path.empty()) {
            left.push_back(place);
            continue;
        }
        by_server[where->server].push_back(place);
        names[place] = where->path;
    }
    for (const auto& [address, places] : by_server) {
        std::vector<std::string> namespaces;
        for (const std::size_t place : places) namespaces.push_back(names[place]);
        std::vector<std::optional<migrate::HistoryView>> views(places.size());
        try {
            Server& server = servers_[address];
            if (server.connection == nullptr || !server.connection->in_place()) {
                server.histories.reset();
                server.connection = db_->server_connection({namespaces.front(), address}, wait);
                server.histories = std::make_unique<migrate::Histories>(runner_->texts(), runner_->dialect(),
                                                                        *server.connection, wait);
            }
            views = server.histories->read(namespaces, wait);
        } catch (const Error&) {
            // Each tenant will say for itself what is wrong.
            servers_.erase(address);
            if (wait.over()) throw;
        }
        for (std::size_t i = 0; i < places.size(); ++i) {
            Item& item = shared_.lock()->items[places[i]];
            const bool known = views[i] && settled_by_history(item, *views[i]);
            (known ? settled : left).push_back(places[i]);
        }
    }
    collect(settled, wait);
    std::ranges::sort(left);
    return left;
}

// Files: as many at once as there are workers, each without a lease.
std::vector<std::size_t> Fleet::glance_at(const std::vector<std::size_t>& due, const Wait& wait) {
    std::vector<char> settles(due.size());
    std::atomic<std::size_t> next{0};
    const auto look = [&]() noexcept {
        for (std::size_t i; (i = next.fetch_add(1)) < due.size();) {
            if (stopping_.load(std::memory_order_acquire) || wait.over()) return;
            Item* const item = &shared_.lock()->items[due[i]];  // the list does not move
            settles[i] = settles_at_a_glance(*item, wait) ? 1 : 0;
        }
    };
    {
        std::vector<std::jthread> others;
        const auto workers = static_cast<std::size_t>(options_.integer("fleet.workers"));
        try {
            while (others.size() + 1 < std::min(workers, due.size())) others.emplace_back(look);
        } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): those that there are do the work
        }
        look();
    }
    std::vector<std::size_t> left, settled;
    for (std::size_t i = 0; i < due.size(); ++i) (settles[i] != 0 ? settled : left).push_back(due[i]);
    collect(settled, wait);
    return left;
}

bool Fleet::settles_at_a_glance(Item& item, const Wait& wait) const noexcept {
    try {
        const auto glance = db_->glance(item.record.tenant, wait);
        if (!glance) return false;
        const migrate::HistoryView view = runner_->read(glance->connection(), wait);
        return glance->held() && settled_by_history(item, view);
    } catch (const std::exception&) {
        return false;  // its lease will say what is wrong
    }
}

bool Fleet::settled_by_history(Item& item, const migrate::HistoryView& view) const {
    if (verb_ == Verb::migrate) {
        const migrate::Plan plan = runner_->plan(view, migrate::Target::of_migrate(target_));
        if (!plan.steps.empty() || !plan.problems.empty()) return false;
    }
    if (verb_ == Verb::validate && !runner_->validate(view).empty()) return false;
    const migrate::Status status = runner_->status(view);
    item.record.state = ItemState::done;
    item.record.version = status.current.value_or("");
    item.record.standing = migrate::standing_name(status.standing);
    ++item.record.attempts;
    return true;
}

// ---- work ---------------------------------------------------------------------------------------

void Fleet::start_workers(std::vector<std::jthread>& workers, std::size_t count, const Wait& wait) {
    for (std::size_t i = 0; i < count; ++i) {
        try {
            workers.emplace_back([this, &wait] { work(wait); });
        } catch (const std::exception&) {
            if (workers.empty()) throw Error(Code::nomem, "no thread to be had for the fleet run");
            return;  // those that there are do the work
        }
    }
}

void Fleet::dispatch(std::vector<std::size_t> due, const Wait& wait) {
    if (due.empty()) return;
    const auto workers_max = static_cast<std::size_t>(options_.integer("fleet.workers"));
    {
        auto board = board_.lock();
        board->closed = false;
        board->finished.reserve(due.size());  // workers cannot fail to bring back what they took
    }
    std::vector<std::jthread> workers;
    struct Close {  // before the workers are joined; what none of them has begun stays undone
        Fleet& fleet;
        ~Close() {
            auto board = fleet.board_.lock();
            board->ready.clear();
            board->closed = true;
            fleet.changed_.notify_all();
        }
    };
    start_workers(workers, std::min(workers_max, due.size()), wait);
    const Close close{*this};
    const std::size_t ahead = 4 * workers.size();  // so much is written down as begun before it is
    std::size_t next = 0;
    for (;;) {
        const bool draining = stopping_.load(std::memory_order_acquire) || wait.over() || why_halt() || held_now_;
        std::vector<std::size_t> finished;
        bool idle = false;
        bool room = false;
        {
            auto board = board_.lock();
            finished = std::exchange(board->finished, {});
            const std::size_t under_way = board->ready.size() + board->running;
            if (draining) {
                // What no worker has begun goes back: it is still to be done.
                for (const std::size_t place : std::exchange(board->ready, {}))
                    shared_.lock()->items[place].record.state = ItemState::pending;
            }
            idle = finished.empty() && board->running == 0 && (draining || (next == due.size() && under_way == 0));
            room = !draining && next < due.size() && under_way < 2 * workers.size();
            if (finished.empty() && !idle && !room) {
                // A cancel and the deadline are looked at in between: stop() and the workers notify.
                Wait brief{Deadline::in(base::milliseconds(200)), wait.cancel, wait.shutdown};
                if (wait.deadline.time() < brief.deadline.time()) brief.deadline = wait.deadline;
                if (draining)
                    changed_.wait_for(board.held(), base::milliseconds(50));
                else
                    brief.sleep(board.held(), changed_);
                continue;
            }
        }
        collect(finished, wait);
        if (idle) break;
        if (!room || is_held(wait)) continue;
        const std::size_t end = std::min(next + ahead, due.size());
        publish({due.begin() + static_cast<std::ptrdiff_t>(next), due.begin() + static_cast<std::ptrdiff_t>(end)},
                wait);
        next = end;
    }
    if (held_) throw held_->with_message("the fleet run pauses: " + held_->message());
    if (!stopping_.load(std::memory_order_acquire)) wait.check("the fleet run");
}

// A flag that pauses the deployment: asked before tenants are handed out, and when one was turned away.
bool Fleet::is_held(const Wait& wait) {
    try {
        db_->holds().admit({}, wait, {.verb = true, .token = token_});
        return false;
    } catch (const Error& error) {
        if (error.code() != Code::tenant_held && error.code() != Code::unavailable) throw;
        const std::lock_guard lock(holding_);
        if (!held_) held_ = error;
        held_now_ = true;
        return true;
    }
}

// Written down as begun, then begun.
void Fleet::publish(const std::vector<std::size_t>& batch, const Wait& wait) {
    {
        auto shared = shared_.lock();
        for (const std::size_t place : batch) shared->items[place].record.state = ItemState::running;
    }
    if (ledger_) {
        wait.check("the fleet run");
        save(batch);
    }
    auto board = board_.lock();
    board->ready.insert(board->ready.end(), batch.begin(), batch.end());
    changed_.notify_all();
}

void Fleet::save(const std::vector<std::size_t>& places) {
    if (!ledger_ || places.empty()) return;
    std::vector<control::ItemRecord> records;
    records.reserve(places.size());
    {
        auto shared = shared_.lock();
        for (const std::size_t place : places) records.push_back(shared->items[place].record);
    }
    ledger_->save(run_, records, grace());
}

void Fleet::count_end(Shared& shared, const Item& item) {
    if (item.record.state == ItemState::pending) return;
    ++shared.ended_here;
    if (item.record.state == ItemState::done) {
        ++shared.tally.done;
        shared.tally.consecutive = 0;
        return;
    }
    ++shared.tally.failed;
    ++shared.tally.consecutive;
    const bool canary = item.wave == 0 && shared.ends.size() > 1 && options_.text("fleet.canary") != "0";
    if (canary) ++shared.tally.canary_failed;
}

void Fleet::collect(const std::vector<std::size_t>& finished, const Wait&) {
    if (finished.empty()) return;
    save(finished);
    auto shared = shared_.lock();
    for (const std::size_t place : finished) count_end(*shared, shared->items[place]);
    for (const std::size_t place : finished) {
        const Item& item = shared->items[place];
        const bool failed = item.record.state == ItemState::failed;
        db_->note(failed ? telemetry::Level::warn : telemetry::Level::debug, "fleet.tenant", item.record.tenant,
                  {run_, failed ? ": failed: " : ": done", failed ? std::string_view(item.record.message) : ""});
    }
}

std::optional<std::string> Fleet::why_halt() {
    auto shared = shared_.lock();
    return control::halt_reason(budget_, shared->tally, shared->items.size());
}

void Fleet::work(const Wait& wait) noexcept {
    for (;;) {
        Item* item = nullptr;
        std::size_t place = 0;
        {
            auto board = board_.lock();
            while (board->ready.empty() && !board->closed) changed_.wait(board.held());
            if (board->ready.empty()) return;
            place = board->ready.front();
            board->ready.pop_front();
            ++board->running;
        }
        item = &shared_.lock()->items[place];  // nobody else's while it is running; the list does not move
        run_item(*item, wait);
        auto board = board_.lock();
        --board->running;
        board->finished.push_back(place);  // has room for all
        changed_.notify_all();
    }
}

void Fleet::run_item(Item& item, const Wait& wait) {
    const auto start = base::Clock::now();
    const int64_t retries = options_.integer("fleet.retries_max");
    base::milliseconds pause(options_.integer("fleet.retry_ms"));
    for (int64_t attempt = 0;; ++attempt) {
        ++item.record.attempts;
        item.failure.reset();
        try {
            run_once(item, wait);
        } catch (const Error& error) {
            item.failure = error.tenant().empty() ? error.with_tenant(item.record.tenant) : error;
        } catch (const std::bad_alloc&) {
            item.failure =
                Error(Code::nomem, "out of memory").with_tenant(item.record.tenant).with_effect(Effect::unknown);
        } catch (const std::exception& error) {
            item.failure = Error(Code::internal, error.what()).with_tenant(item.record.tenant);
        }
        const bool again = item.failure && item.failure->retryable() && attempt < retries &&
                           !stopping_.load(std::memory_order_acquire) && !wait.over();
        if (!again) break;
        wait.pause(pause);
        pause = std::min(2 * pause, retry_pause_max);
    }
    control::ItemRecord& record = item.record;
    record.duration_ms = std::chrono::duration_cast<base::milliseconds>(base::Clock::now() - start).count();
    // The end of the wait, or a pause of the deployment, is the run's, not the tenant's: it is still to be done.
    const bool paused = item.failure && item.failure->code() == Code::tenant_held && pauses(wait);
    const bool cut_short = paused || (item.failure && wait.over() &&
                           (item.failure->code() == Code::cancelled || item.failure->code() == Code::timeout ||
                            item.failure->code() == Code::closed));
    record.state = cut_short ? ItemState::pending : item.failure ? ItemState::failed : ItemState::done;
    record.status = item.failure ? static_cast<int64_t>(item.failure->code()) : 0;
    record.message = item.failure ? item.failure->message() : std::string();
    record.error = item.failure ? json_of(*item.failure) : std::string();
}

bool Fleet::pauses(const Wait& wait) noexcept {
    try {
        return is_held(wait);
    } catch (...) {
        return false;
    }
}

void Fleet::run_once(Item& item, const Wait& wait) {
    wait.check("the fleet run");
    if (verb_ == Verb::sql) return run_sql(item, wait);
    const std::string& tenant = item.record.tenant;
    if (verb_ != Verb::migrate && !db_->tenant_exists(tenant, wait))
        throw Error(Code::tenant_unknown, "no tenant '" + tenant + "'").with_tenant(tenant);
    pool::Lease lease = db_->lease_for_verb(tenant, wait, token_);
    migrate::Progress progress;
    progress.want_status = true;
    struct Report {
        control::ItemRecord& record;
        migrate::Progress& progress;
        ~Report() {
            record.applied += progress.done;
            if (record.attempts == 1 && progress.before) record.before = *progress.before;
        }
    } report{item.record, progress};
    if (verb_ == Verb::migrate) {
        run_verb(*db_, lease, *runner_, tenant, false, migrate::Target::of_migrate(target_), wait, progress);
    } else if (verb_ == Verb::undo) {
        const bool own = resume_ == control::Resume::applied && resumes_;
        const std::string to = !own ? target_ : item.record.before.empty() ? "empty" : item.record.before;
        run_verb(*db_, lease, *runner_, tenant, true, migrate::Target::of_undo(to), wait, progress);
        if (own) item.record.applied = -progress.done;  // and the report makes it 0
    } else if (verb_ == Verb::validate) {
        const auto problems = runner_->validate(lease.connection(), wait);
        if (!problems.empty())
            throw Error(problems.front().status,
                        std::to_string(problems.size()) + " problems, the first: " + problems.front().message);
    }
    const migrate::Status status =
        progress.status ? *progress.status : runner_->status(lease.connection(), wait).status;
    item.record.version = status.current.value_or("");
    item.record.standing = migrate::standing_name(status.standing);
    if (!db_->dialect().shares_connections) lease.close();  // here, by all workers at once: a fleet is many files
}

void Fleet::run_sql(Item& item, const Wait& wait) {
    const Ref<Cancel> none;
    LeaseOptions lease;
    lease.read_only = !options_.boolean("fleet.write");
    const Db::Asked asked{MTDB_DEFAULT, none};
    const Ref<Conn> conn = db_->acquire(item.record.tenant, std::move(lease), asked);
    int64_t statements = 0;
    conn->exec_script(options_.text("fleet.sql"), statements, wait);
    item.record.applied = statements;
    conn->close();
}

// ---- the end ------------------------------------------------------------------------------------

void Fleet::end(Phase phase, const std::string& reason, const Wait& wait) {
    {
        auto shared = shared_.lock();
        shared->phase = phase;
        shared->reason = reason;
        shared->ended = base::Clock::now();
    }
    if (ledger_) {
        ledger_->save(record(phase), wait);
        if (verb_ == Verb::migrate) {
            std::vector<control::Seen> seen;
            for (const Item& item : shared_.lock()->items)
                if (item.record.state == ItemState::done)
                    seen.push_back({item.record.tenant, plan_, {}, item.record.version, item.record.standing});
            std::erase_if(seen, [&](control::Seen& each) {
                each.identity = db_->identity_of(each.tenant);
                const auto before = seen_.find(each.tenant);
                const bool same = before != seen_.end() && before->second.identity == each.identity;
                return each.identity.empty() || same;
            });
            ledger_->save_seen(seen, wait);
        }
    }
    servers_.clear();
    db_->note(phase == Phase::done ? telemetry::Level::info : telemetry::Level::warn, "fleet.ended", {},
              {run_, ": ",
               phase == Phase::done      ? "done"
               : phase == Phase::stopped ? "stopped"
                                         : "halted",
               reason.empty() ? "" : ": ", reason});
}

void Fleet::tell_wave(std::size_t wave) {
    auto shared = shared_.lock();
    const auto seconds = std::chrono::duration<double>(base::Clock::now() - shared->started).count();
    const auto rate = seconds > 0 ? static_cast<double>(shared->ended_here) / seconds : 0;
    db_->note(telemetry::Level::info, "fleet.wave", {},
              {run_, ": wave ", std::to_string(wave + 1), " of ", std::to_string(shared->ends.size()), ": ",
               std::to_string(shared->tally.done), " done, ", std::to_string(shared->tally.failed), " failed, ",
               std::to_string(shared->items.size() - shared->tally.done - shared->tally.failed), " left, ",
               std::to_string(static_cast<int64_t>(rate)), " a second"});
}

Ref<Result> Fleet::results() {
    auto rows = std::make_unique<TableRows>(std::vector<TableRows::Heading>{{"tenant", "TEXT", Type::text},
                                                                            {"wave", "INT64", Type::int64},
                                                                            {"state", "TEXT", Type::text},
                                                                            {"status", "INT64", Type::int64},
                                                                            {"attempts", "INT64", Type::int64},
                                                                            {"applied", "INT64", Type::int64},
                                                                            {"before", "TEXT", Type::text},
                                                                            {"version", "TEXT", Type::text},
                                                                            {"standing", "TEXT", Type::text},
                                                                            {"duration_ms", "INT64", Type::int64},
                                                                            {"message", "TEXT", Type::text},
                                                                            {"error", "JSON", Type::json}});
    auto shared = shared_.lock();
    if (shared->inside) throw Error(Code::invalid_state, "the run is under way: ask mtdb_fleet_progress()");
    for (const Item& item : shared->items) {
        const control::ItemRecord& record = item.record;
        rows->add_text(record.tenant);
        rows->add_integer(static_cast<int64_t>(item.wave) + 1);
        rows->add_text(control::name_of(record.state));
        rows->add_integer(record.status);
        rows->add_integer(record.attempts);
        rows->add_integer(record.applied);
        add_text_or_null(*rows, record.before);
        add_text_or_null(*rows, record.version);
        add_text_or_null(*rows, record.standing);
        rows->add_integer(record.duration_ms);
        add_text_or_null(*rows, record.message);
        record.error.empty() ? rows->add_null() : rows->add(db::Value::text(record.error, Type::json));
    }
    return Result::of_rows(std::move(rows));
}

Ref<Result> Fleet::progress() {
    auto rows = std::make_unique<TableRows>(std::vector<TableRows::Heading>{{"run", "TEXT", Type::text},
                                                                            {"state", "TEXT", Type::text},
                                                                            {"wave", "INT64", Type::int64},
                                                                            {"waves", "INT64", Type::int64},
                                                                            {"tenants", "INT64", Type::int64},
                                                                            {"done", "INT64", Type::int64},
                                                                            {"failed", "INT64", Type::int64},
                                                                            {"left", "INT64", Type::int64},
                                                                            {"elapsed_ms", "INT64", Type::int64},
                                                                            {"rate", "DOUBLE", Type::float64},
                                                                            {"reason", "TEXT", Type::text}});
    constexpr std::string_view names[] = {"fresh", "running", "verdict", "halted", "stopped", "done"};
    auto shared = shared_.lock();
    const control::Tally& tally = shared->tally;
    const bool begun = shared->phase != Phase::fresh;
    const bool over = shared->ended != base::Time{};
    const auto span =
        !begun ? base::Clock::duration{} : (over ? shared->ended : base::Clock::now()) - shared->started;
    const double seconds = std::chrono::duration<double>(span).count();
    rows->add_text(begun ? run_ : options_.text("fleet.run"));
    rows->add_text(names[static_cast<std::size_t>(shared->phase)]);
    rows->add_integer(static_cast<int64_t>(std::min(shared->wave + 1, shared->ends.size())));
    rows->add_integer(static_cast<int64_t>(shared->ends.size()));
    rows->add_integer(static_cast<int64_t>(shared->items.size()));
    rows->add_integer(static_cast<int64_t>(tally.done));
    rows->add_integer(static_cast<int64_t>(tally.failed + shared->failed_before));
    rows->add_integer(
        static_cast<int64_t>(shared->items.size() - tally.done - tally.failed - shared->failed_before));
    rows->add_integer(std::chrono::duration_cast<base::milliseconds>(span).count());
    rows->add(db::Value::real(seconds > 0 ? static_cast<double>(shared->ended_here) / seconds : 0));
    add_text_or_null(*rows, shared->reason);
    return Result::of_rows(std::move(rows));
}

}  // namespace mtdb::engine
