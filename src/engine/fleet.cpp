// SPDX-License-Identifier: MIT
#include "engine/fleet.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <random>
#include <utility>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "engine/db.hpp"
#include "engine/error_json.hpp"
#include "engine/fleet_rows.hpp"

namespace mtdb::engine {
namespace {

using control::ItemState;

constexpr base::milliseconds ledger_grace{10000};  // to write down what was done, whatever ended the run

Wait grace() { return Wait{Deadline::in(ledger_grace), nullptr, nullptr}; }

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

// What of a place's server says which server it is: not the database, not the user.
std::string server_of(const std::string& address) {
    if (address.empty() || address.starts_with('?')) return {};  // the db's own
    const std::size_t host = address.find("://");
    const std::size_t end = host == std::string::npos ? host : address.find_first_of("/?", host + 3);
    std::string server = address.substr(0, end);
    const std::size_t user = server.rfind('@');
    return user == std::string::npos ? server : server.substr(user + 1);
}

}  // namespace

Fleet::Fleet(Ref<Db> db, Ref<Migrator> migrator, const Options& options)
    : db_(std::move(db)), migrator_(std::move(migrator)), settings_(options), run_(settings_.run) {}

Ref<Fleet> Fleet::open(const Ref<Db>& db, Ref<Migrator> migrator, const Options& options) {
    db->check_open();
    if (migrator && &migrator->db() != db.get())
        throw Error(Code::invalid_argument, "the migrator is another db's");
    Ref<Fleet> fleet = Ref<Fleet>::adopt(new Fleet(db, std::move(migrator), options));
    if (fleet->settings_.verb && !fleet->migrator_)
        throw Error(Code::invalid_argument, "verb '" + fleet->settings_.verb_name + "' needs a migrator");
    return fleet;
}

void Fleet::add_to(Shared& shared, std::string_view tenant, int64_t wave) const {
    db_->check_tenant(tenant);
    if (shared.phase != Phase::fresh) throw Error(Code::invalid_state, "the run has begun: its list is final");
    if (!shared.listed_ids.emplace(tenant).second)
        throw Error(Code::invalid_argument, "tenant '" + std::string(tenant) + "' is in the run's list already")
            .with_tenant(tenant);
    FleetItem item;
    item.record.number = static_cast<int64_t>(shared.items.size());
    item.record.tenant = tenant;
    item.record.wave = wave;
    shared.items.push_back(std::move(item));
}

void Fleet::add(std::string_view tenant) { add_to(*shared_.lock(), tenant, 0); }

void Fleet::add_wave(std::string_view tenants) {
    auto shared = shared_.lock();
    const std::size_t before = shared->items.size();
    try {
        for (const std::string_view line : base::split_lines(tenants))
            if (!line.empty()) add_to(*shared, line, shared->listed + 1);
    } catch (...) {
        for (std::size_t i = before; i < shared->items.size(); ++i)
            shared->listed_ids.erase(shared->items[i].record.tenant);
        shared->items.resize(before);
        throw;
    }
    if (shared->items.size() == before) throw Error(Code::invalid_argument, "a wave of no tenants");
    ++shared->listed;
}

void Fleet::share(Ref<Migrator> migrator) {
    if (&migrator->db() != db_.get()) throw Error(Code::invalid_argument, "the migrator is another db's");
    if (!settings_.is(Verb::migrate))
        throw Error(Code::invalid_argument, "scripts of the shared tables run with fleet.verb=migrate only");
    if (db_->shared_name().empty())
        throw Error(Code::invalid_state, "there are no shared tables: option tenant.shared names where they are");
    if (shared_.lock()->phase != Phase::fresh) throw Error(Code::invalid_state, "the run has begun");
    shared_scripts_ = std::move(migrator);
}

void Fleet::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    board_.wake();
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
    shared.unlocked([&] { end(Phase::halted, "the host's verdict"); });
}

// ---- the beginning ------------------------------------------------------------------------------

control::RunRecord Fleet::record(Phase phase) const {
    auto shared = shared_.lock();
    control::RunRecord record;
    record.run = run_;
    record.verb = settings_.verb_name;
    record.target = settings_.target;
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

// The same for what does the same to the same tenants.
std::string Fleet::fingerprint() const {
    std::string what = settings_.verb_name + "|" + settings_.target + "|" + settings_.sql + "|" +
                       (runner_ ? runner_->fingerprint() : std::string());
    if (shared_scripts_) what += "|" + shared_scripts_->runner()->fingerprint();
    return hex_of(base::stable_hash64(what));
}

void Fleet::open_ledger(const Wait& wait) {
    store_ = control_store_of(db_->options(), db_->root(), wait);
    if (store_ == nullptr)
        throw Error(Code::invalid_argument,
                    "a fleet run keeps a ledger in the control store: set option control of the db, or "
                    "fleet.ledger=off for a run that cannot be taken up");
    ledger_ = std::make_unique<control::Ledger>(store_->connect(wait), store_->dialect(), wait);
}

void Fleet::prepare(const Wait& wait) {
    if (migrator_) runner_ = migrator_->runner();
    if (runner_) ahead_.emplace(*db_, runner_);
    plan_ = fingerprint();
    if (settings_.ledger) open_ledger(wait);
    if (run_.empty()) run_ = fresh_name();
    if (settings_.resumes) {
        const auto found = ledger_ ? ledger_->find(run_, wait) : std::nullopt;
        if (!found) throw Error(Code::not_found, "the ledger has no fleet run '" + base::excerpt(run_) + "'");
        take_up(*found, wait);
    } else {
        begin_new(wait);
    }
    auto shared = shared_.lock();
    for (const FleetItem& item : shared->items) shared->waves.push_back(item.record.wave);
    std::ranges::sort(shared->waves);
    shared->waves.erase(std::unique(shared->waves.begin(), shared->waves.end()), shared->waves.end());
    shared->started = base::Clock::now();
    shared->phase = Phase::running;
}

void Fleet::assign_waves(std::vector<FleetItem>& items) const {
    std::vector<std::string> tenants;
    std::vector<int64_t> listed;
    for (const FleetItem& item : items) {
        tenants.push_back(item.record.tenant);
        listed.push_back(settings_.resumes ? 0 : item.record.wave);
    }
    const std::vector<int64_t> waves = control::assign_waves(tenants, listed, settings_.waves);
    for (std::size_t i = 0; i < items.size(); ++i) items[i].record.wave = waves[i];
}

void Fleet::begin_new(const Wait& wait) {
    std::vector<FleetItem> items = shared_.lock()->items;
    if (items.empty()) {
        for (std::string& tenant : db_->all_tenants(wait)) {
            FleetItem item;
            item.record.number = static_cast<int64_t>(items.size());
            item.record.tenant = std::move(tenant);
            items.push_back(std::move(item));
        }
    }
    assign_waves(items);
    std::vector<control::ItemRecord> records;
    records.reserve(items.size());
    for (const FleetItem& item : items) records.push_back(item.record);
    shared_.lock()->items = std::move(items);
    if (ledger_) ledger_->begin(record(Phase::running), records, wait);
    read_seen(wait);
}

// A script of verb sql has no history that would say whether it was done when the run broke off: a person says whether
// it runs again.
std::vector<control::ItemRecord> Fleet::items_taken_up(const Wait& wait) {
    std::vector<control::ItemRecord> records = ledger_->items(run_, wait);
    if (settings_.verb || !settings_.write || settings_.resume != control::Resume::rest) return records;
    std::vector<control::ItemRecord> unknown;
    for (control::ItemRecord& record : records) {
        if (record.state != ItemState::running) continue;
        const Error failure = Error(Code::invalid_state,
                                    "the run broke off while the script ran: whether it was done cannot be known, "
                                    "fleet.resume=failed runs it again")
                                  .with_tenant(record.tenant)
                                  .with_effect(Effect::unknown);
        record.state = ItemState::failed;
        record.status = static_cast<int64_t>(failure.code());
        record.message = failure.message();
        record.error = json_of(failure);
        unknown.push_back(record);
    }
    ledger_->save(run_, unknown, wait);
    return records;
}

// The ledger's list is the run's: the same tenants in the same order and waves, whatever has come or gone since.
void Fleet::take_up(const control::RunRecord& run, const Wait& wait) {
    const std::string name = "fleet run '" + base::excerpt(run_) + "'";
    if (settings_.undoes_run() && run.verb != "migrate")
        throw Error(Code::invalid_argument, name + " was no migration: there is nothing to undo");
    if (!settings_.undoes_run() && run.plan != plan_)
        throw Error(Code::invalid_argument,
                    name + " was begun with another verb, target or other scripts: begin a new one");
    ledger_->take(run_, wait);
    std::vector<FleetItem> items;
    control::Tally tally;
    std::size_t failed_before = 0;
    for (control::ItemRecord& record : items_taken_up(wait)) {
        FleetItem item;
        item.due = control::is_due(record.state, !record.before.empty(), settings_.resume);
        if (!item.due && record.state == ItemState::done) ++tally.done;
        if (!item.due && record.state == ItemState::failed) ++failed_before;
        item.record = std::move(record);
        if (item.due) item.record.state = ItemState::pending;
        items.push_back(std::move(item));
    }
    if (settings_.waves.given()) assign_waves(items);
    auto shared = shared_.lock();
    if (!shared->items.empty())
        throw Error(Code::invalid_state, "a run that is taken up has its list in the ledger");
    shared->items = std::move(items);
    shared->tally = tally;
    shared->failed_before = failed_before;
    if (!settings_.undoes_run()) plan_ = run.plan;
}

void Fleet::read_seen(const Wait& wait) {
    if (!ledger_ || !settings_.is(Verb::migrate) || !settings_.trusts_ledger || settings_.counts_steps()) return;
    // What a script's text depends on besides its file, no ledger has seen.
    if (runner_->source().differs_by_tenant() || !runner_->source().callbacks().empty()) return;
    for (control::Seen& seen : ledger_->seen(plan_, wait)) {
        std::string tenant = seen.tenant;
        seen_.insert_or_assign(std::move(tenant), std::move(seen));
    }
}

// ---- waves --------------------------------------------------------------------------------------

Fleet::Turn Fleet::run(const Wait& wait, RowStream* rows) {
    {
        auto shared = shared_.lock();
        if (shared->inside) throw Error(Code::misuse, "another thread runs this fleet run");
        if (shared->phase == Phase::verdict) return Turn::verdict;
        if (shared->phase != Phase::fresh && shared->phase != Phase::running)
            throw Error(Code::invalid_state, "the run has ended: take it up by its name");
        shared->inside = true;
    }
    struct Leave {
        Fleet& fleet;
        ~Leave() {
            fleet.rows_ = nullptr;
            fleet.shared_.lock()->inside = false;
        }
    } leave{*this};
    rows_ = rows;
    if (shared_.lock()->phase == Phase::fresh) prepare(wait);
    return go_on(wait);
}

Ref<Result> Fleet::query(const Wait& wait, Ref<Cancel> cancel) {
    if (settings_.verb) throw Error(Code::invalid_argument, "verb '" + settings_.verb_name + "' has no rows");
    if (settings_.verdict)
        throw Error(Code::invalid_argument, "fleet.verdict is for mtdb_fleet_run(): who reads rows is not asked");
    const auto stream = std::make_shared<RowStream>(std::max<std::size_t>(4, 2 * settings_.workers));
    auto rows = std::make_unique<FleetRows>(Ref<Fleet>::share(this), stream, wait, cancel);
    rows->settle_columns(wait);
    const auto failure = rows->column_count() == 1 ? stream->failure() : std::nullopt;
    if (failure) {
        rows->leave();
        throw Error(*failure);
    }
    return Result::of_rows(std::move(rows), wait, std::move(cancel));
}

void Fleet::run_for_rows(RowStream& rows, const Wait& wait) noexcept {
    std::optional<Error> failure;
    try {
        if (run(wait, &rows) == Turn::routes) failure = Error(Code::needs, "the host must answer");
    } catch (const Error& error) {
        failure = error;
    } catch (const std::exception& error) {
        failure = Error(Code::nomem, "out of memory");
    }
    rows.end(std::move(failure));
}

Fleet::Turn Fleet::go_on(const Wait& wait) {
    held_.reset();  // nobody else is inside
    held_now_ = false;
    if (is_held(wait)) throw held_->with_message("the fleet run pauses: " + held_->message());
    if (!stops()) run_shared(wait);
    for (;;) {
        int64_t wave = 0;
        bool last = false;
        {
            auto shared = shared_.lock();
            if (shared->wave >= shared->waves.size()) break;
            wave = shared->waves[shared->wave];
            last = shared->wave + 1 == shared->waves.size();
        }
        const WaveEnd wave_end = run_wave(wave, wait);
        if (const auto reason = why_halt()) halt(*reason);
        if (stops()) {
            end(Phase::stopped, "stopped by the host");
            throw Error(Code::cancelled, "the fleet run was stopped: what had begun was done to its end");
        }
        if (wave_end == WaveEnd::needs_routes) return Turn::routes;
        tell_wave();
        ++shared_.lock()->wave;
        if (ledger_) ledger_->save(record(Phase::running), grace());
        if (last) break;
        board_.rest(wait, settings_.soak, stopping_);
        if (wait.over()) wait.check("the fleet run's next wave");
        if (!settings_.verdict) continue;
        shared_.lock()->phase = Phase::verdict;
        return Turn::verdict;
    }
    end(Phase::done, {});
    return Turn::ended;
}

void Fleet::halt(const std::string& reason) {
    end(Phase::halted, reason);
    std::optional<Error> first;
    for (const FleetItem& item : shared_.lock()->items)
        if (item.failure && !item.left && !first) first = item.failure;
    const Error cause = first ? *first : Error(Code::migration_failed, "a tenant failed");
    throw cause.with_message("the fleet run halted: " + reason + "; the first failure: " + cause.message());
}

// Before any tenant, whose scripts may need what these make.
void Fleet::run_shared(const Wait& wait) {
    if (!shared_scripts_ || shared_done_) return;
    migrate::Progress progress;
    try {
        shared_scripts_->run_shared({}, wait, progress);
    } catch (const Error& error) {
        if (wait.over()) throw;
        constexpr std::string_view reason = "the scripts of the shared tables failed";
        end(Phase::halted, std::string(reason));
        throw error.with_message("the fleet run halted: " + std::string(reason) + ": " + error.message());
    }
    shared_done_ = true;
    db_->note(telemetry::Level::info, "fleet.shared", {},
              {run_, ": ", std::to_string(progress.done), " scripts of the shared tables"});
}

std::vector<std::size_t> Fleet::due_in(int64_t wave) {
    auto shared = shared_.lock();
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < shared->items.size(); ++i) {
        const FleetItem& item = shared->items[i];
        if (item.due && item.record.wave == wave && item.record.state == ItemState::pending) due.push_back(i);
    }
    return due;
}

// Round by round where the host says where tenants are: those whose places are known go on, the others are asked for.
// Nobody is asked twice for an answer that is believed, and no round ends without work done, requests for the host, or
// a wait for what it has taken.
Fleet::WaveEnd Fleet::run_wave(int64_t wave, const Wait& wait) {
    if (!db_->host_routes()) {
        work_on(due_in(wave), wait);
        return WaveEnd::over;
    }
    for (;;) {
        if (stopping_.load(std::memory_order_acquire) || why_halt()) return WaveEnd::over;
        const uint64_t seen = db_->routes_settled();  // before the look, so that no answer is missed
        const Routed routed = ask_routes(due_in(wave));
        if (!routed.known.empty()) {
            work_on(routed.known, wait);
            continue;
        }
        if (routed.asked) return WaveEnd::needs_routes;
        if (!routed.taken) return WaveEnd::over;
        wait.check("the answers to the fleet run's requests");
        Wait brief = wait;  // a stop does not wake it
        brief.deadline = wait.deadline.earlier(Deadline::in(base::milliseconds(200)));
        db_->await_routes(seen, brief);
    }
}

// So many requests at a time: an answer must still be believed when its tenant's turn comes.
Fleet::Routed Fleet::ask_routes(const std::vector<std::size_t>& due) {
    using State = tenant::Requests::State;
    constexpr std::size_t together_max = 1000;
    Routed routed;
    std::size_t unknown = 0;
    for (const std::size_t place : due) {
        const std::string& tenant = shared_.lock()->items[place].record.tenant;  // the list does not move
        const bool asks = unknown < together_max;
        const State state = asks ? db_->ask_route(tenant) : db_->glance_at_route(tenant);
        if (state == State::answered || state == State::refused) {
            routed.known.push_back(place);
            continue;
        }
        ++unknown;
        routed.asked = routed.asked || (asks && state == State::needs);
        routed.taken = routed.taken || state == State::taken;
    }
    return routed;
}

void Fleet::work_on(const std::vector<std::size_t>& all, const Wait& wait) {
    const std::vector<std::size_t> due = skip_unchanged(all);
    // By parts: what is read ahead must still be so when its turn comes, and a wave may be the whole fleet.
    constexpr std::size_t part = 8 * migrate::Histories::together_max;
    for (std::size_t at = 0; at < due.size(); at += part) {
        if (stops() || why_halt()) return;
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
        FleetItem& item = shared_.lock()->items[place];  // the caller's thread alone changes the list
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

// Most have nothing to do, and are done without a lease.
std::vector<std::size_t> Fleet::look_ahead(std::vector<std::size_t> due, const Wait& wait) {
    const bool reads = settings_.is(Verb::migrate) || settings_.is(Verb::info) || settings_.is(Verb::validate);
    if (!reads || due.size() < 2) return due;
    if (ahead_->offered_files()) return glance_at(due, wait);
    if (!ahead_->offered()) return due;
    std::vector<std::string> tenants;
    {
        auto shared = shared_.lock();
        for (const std::size_t place : due) tenants.push_back(shared->items[place].record.tenant);
    }
    auto known = ahead_->read(tenants, wait);
    std::vector<std::size_t> left, settled;
    for (std::size_t i = 0; i < due.size(); ++i) {
        FleetItem& item = shared_.lock()->items[due[i]];
        const bool settles = known[i] && settled_by_history(item, known[i]->view);
        (settles ? settled : left).push_back(due[i]);
        // The host's tenants may be elsewhere when their turn comes.
        if (!settles && !db_->host_routes()) item.known = std::move(known[i]);
    }
    collect(settled);
    return left;
}

// Files: as many at once as there are workers, each without a lease.
std::vector<std::size_t> Fleet::glance_at(const std::vector<std::size_t>& due, const Wait& wait) {
    std::vector<char> settles(due.size());
    std::atomic<std::size_t> next{0};
    const auto look = [&]() noexcept {
        for (std::size_t i; (i = next.fetch_add(1)) < due.size();) {
            if (stops() || wait.over()) return;
            FleetItem* const item = &shared_.lock()->items[due[i]];  // the list does not move
            settles[i] = settles_at_a_glance(*item, wait) ? 1 : 0;
        }
    };
    {
        std::vector<std::jthread> others;
        const auto workers = static_cast<std::size_t>(settings_.workers);
        try {
            while (others.size() + 1 < std::min(workers, due.size())) others.emplace_back(look);
        } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): those that there are do the work
        }
        look();
    }
    std::vector<std::size_t> left, settled;
    for (std::size_t i = 0; i < due.size(); ++i) (settles[i] != 0 ? settled : left).push_back(due[i]);
    collect(settled);
    return left;
}

bool Fleet::settles_at_a_glance(FleetItem& item, const Wait& wait) const noexcept {
    try {
        const auto glance = db_->glance(item.record.tenant, wait);
        if (!glance) return false;
        const migrate::HistoryView view = runner_->read(glance->connection(), wait);
        return glance->held() && settled_by_history(item, view);
    } catch (const std::exception&) {
        return false;  // its lease will say what is wrong
    }
}

bool Fleet::settled_by_history(FleetItem& item, const migrate::HistoryView& view) const {
    if (settings_.is(Verb::migrate)) {
        const migrate::Plan plan = runner_->plan(view, migrate::Target::of_migrate(settings_.target));
        if (!plan.steps.empty() || !plan.problems.empty()) return false;
    }
    if (settings_.is(Verb::validate) && !runner_->validate(view).empty()) return false;
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

bool Fleet::drains(const Wait& wait) {
    return stops() || wait.over() || why_halt() || held_now_;
}

Board::Job Fleet::job_of(std::size_t place) {
    if (!db_->dialect().shares_connections) return {place};
    const auto where = db_->place_of(shared_.lock()->items[place].record.tenant);
    const std::string server = where ? server_of(where->server) : std::string();
    return {place, servers_.try_emplace(server, servers_.size()).first->second};
}

void Fleet::dispatch(const std::vector<std::size_t>& due, const Wait& wait) {
    if (due.empty()) return;
    board_.open(due.size(), settings_.server_workers == 0 ? settings_.workers : settings_.server_workers);
    std::vector<std::jthread> workers;
    struct Close {  // before the workers are joined; what none of them has begun stays undone
        Board& board;
        ~Close() { board.close(); }
    };
    start_workers(workers, std::min(settings_.workers, due.size()), wait);
    const Close close{board_};
    const std::size_t ahead = 4 * workers.size();
    std::size_t next = 0;
    for (;;) {
        const bool draining = drains(wait);
        if (draining) board_.take_back();
        const Board::News news = board_.news();
        save(news.announced);
        board_.confirm(news.announced);
        collect(news.finished);
        const bool more = !draining && next < due.size();
        if (news.under_way == 0 && !more) break;
        if (!more || news.under_way >= ahead / 2 || is_held(wait)) {
            board_.sleep(wait, base::milliseconds(200));
            continue;
        }
        std::vector<Board::Job> batch;
        for (; next < due.size() && batch.size() < ahead; ++next) batch.push_back(job_of(due[next]));
        board_.put(batch);
    }
    if (held_) throw held_->with_message("the fleet run pauses: " + held_->message());
    if (!stops()) wait.check("the fleet run");
}

// A flag that pauses the deployment: asked before tenants are handed out, and again by who takes one.
bool Fleet::is_held(const Wait& wait) {
    try {
        db_->holds().admit({}, wait, {.verb = true, .token = settings_.token});
        return false;
    } catch (const Error& error) {
        if (error.code() != Code::tenant_held && error.code() != Code::unavailable) throw;
        const std::lock_guard lock(holding_);
        if (!held_) held_ = error;
        held_now_ = true;
        return true;
    }
}

bool Fleet::pauses(const Wait& wait) noexcept {
    try {
        return is_held(wait);
    } catch (...) {
        return false;
    }
}

void Fleet::work(const Wait& wait) noexcept {
    const FleetWork work(*db_, migrator_.get(), settings_, board_, rows_, stopping_);
    while (const auto job = board_.take()) {
        FleetItem& item = shared_.lock()->items[job->place];  // nobody else's now; the list does not move
        item.left = held_now_ || pauses(wait);
        if (!item.left) {
            work.run(item, *job, wait);
            // A pause of the deployment is not the tenant's failure: it is still to be done.
            if (item.failure && item.failure->code() == Code::tenant_held && pauses(wait)) item.left = true;
        }
        if (item.left) item.record.state = ItemState::pending;
        board_.bring(*job);
    }
}

void Fleet::save(const std::vector<std::size_t>& places) {
    if (!ledger_ || places.empty()) return;
    std::vector<control::ItemRecord> records;
    records.reserve(places.size());
    {
        auto shared = shared_.lock();
        for (const std::size_t place : places) records.push_back(shared->items[place].record);
    }
    write_down([&] { ledger_->save(run_, records, grace()); });
}

// In the ledger, while tenants are worked on: a write that fails undoes nothing of theirs.
void Fleet::write_down(const std::function<void()>& write) {
    try {
        write();
    } catch (const Error& error) {
        throw error.with_effect(Effect::committed);
    }
}

void Fleet::count_end(Shared& shared, const FleetItem& item) const {
    if (item.record.state == ItemState::pending) return;
    ++shared.ended_here;
    if (item.record.state == ItemState::done) {
        ++shared.tally.done;
        shared.failed_in_row = 0;
        return;
    }
    ++shared.tally.failed;
    shared.tally.consecutive = std::max(shared.tally.consecutive, ++shared.failed_in_row);
    if (item.record.wave == control::canary_wave) ++shared.tally.canary_failed;
}

void Fleet::collect(const std::vector<std::size_t>& finished) {
    if (finished.empty()) return;
    save(finished);
    auto shared = shared_.lock();
    for (const std::size_t place : finished) count_end(*shared, shared->items[place]);
    for (const std::size_t place : finished) {
        const FleetItem& item = shared->items[place];
        if (item.left) continue;
        const bool failed = item.record.state == ItemState::failed;
        db_->note(failed ? telemetry::Level::warn : telemetry::Level::debug, "fleet.tenant", item.record.tenant,
                  {run_, failed ? ": failed: " : ": done", failed ? std::string_view(item.record.message) : ""});
    }
}

std::optional<std::string> Fleet::why_halt() {
    auto shared = shared_.lock();
    return control::halt_reason(settings_.budget, shared->tally, shared->items.size());
}

// ---- the end ------------------------------------------------------------------------------------

void Fleet::end(Phase phase, const std::string& reason) {
    {
        auto shared = shared_.lock();
        shared->phase = phase;
        shared->reason = reason;
        shared->ended = base::Clock::now();
    }
    if (ledger_) {
        write_down([&] {
            ledger_->save(record(phase), grace());
            if (settings_.is(Verb::migrate) && !settings_.counts_steps()) save_seen();
        });
    }
    ahead_.reset();
    db_->note(phase == Phase::done ? telemetry::Level::info : telemetry::Level::warn, "fleet.ended", {},
              {run_, ": ",
               phase == Phase::done      ? "done"
               : phase == Phase::stopped ? "stopped"
                                         : "halted",
               reason.empty() ? "" : ": ", reason});
}

// What each tenant that is done was seen as, for fleet.trust=ledger.
void Fleet::save_seen() {
    std::vector<control::Seen> seen;
    for (const FleetItem& item : shared_.lock()->items)
        if (item.record.state == ItemState::done)
            seen.push_back({item.record.tenant, plan_, {}, item.record.version, item.record.standing});
    std::erase_if(seen, [&](control::Seen& each) {
        each.identity = db_->identity_of(each.tenant);
        const auto before = seen_.find(each.tenant);
        const bool same = before != seen_.end() && before->second.identity == each.identity;
        return each.identity.empty() || same;
    });
    ledger_->save_seen(seen, grace());
}

void Fleet::tell_wave() {
    auto shared = shared_.lock();
    const auto seconds = std::chrono::duration<double>(base::Clock::now() - shared->started).count();
    const auto rate = seconds > 0 ? static_cast<double>(shared->ended_here) / seconds : 0;
    db_->note(telemetry::Level::info, "fleet.wave", {},
              {run_, ": wave ", std::to_string(shared->wave + 1), " of ", std::to_string(shared->waves.size()), ": ",
               std::to_string(shared->tally.done), " done, ", std::to_string(shared->tally.failed), " failed, ",
               std::to_string(shared->items.size() - shared->tally.done - shared->tally.failed), " left, ",
               std::to_string(static_cast<int64_t>(rate)), " a second"});
}

}  // namespace mtdb::engine
