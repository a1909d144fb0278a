// SPDX-License-Identifier: MIT
// Two processes of mtdb and another tool, let go at the same moment on one tenant with that tool's
// history.
#include "together.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "../crash/shared.hpp"

namespace peers {

using namespace harness;

namespace {

constexpr int workers = 2;

// What the parent tells its workers, and they it.
struct Signals {
    std::atomic<int64_t> round{0};  // the present one; negative: there is no other
    std::atomic<int> ready{0}, ended{0};
    std::atomic<int64_t> delay_us[workers];
    std::atomic<int64_t> applied{0};
    char folder[400] = {};
    char failures[workers][1000] = {};  // empty: it went well
};

const std::string tenant_name = "peer_together";

void work(const Place& place, Signals& signals, int self) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const Db db = open_db(place.url);
    for (int64_t round = 1;; ++round) {
        ++signals.ready;
        while (signals.round.load() >= 0 && signals.round.load() < round) usleep(100);
        if (signals.round.load() < 0) return;
        usleep(static_cast<useconds_t>(signals.delay_us[self].load()));
        const Migrator migrator = new_migrator(db.get(), {{"migrate.source", signals.folder}});
        int64_t applied = 0;
        const Answer answer = migrate(migrator.get(), tenant_name, "latest", &applied);
        if (!answer.ok())
            std::strncpy(signals.failures[self], answer.text().c_str(),
                         sizeof signals.failures[self] - 1);
        signals.applied += applied;
        ++signals.ended;
    }
}

void await(const std::atomic<int>& count, int wanted, const std::string& what) {
    const int64_t end = now_ms() + plenty_ms;
    while (count.load() < wanted) {
        check(now_ms() < end, what);
        usleep(200);
    }
}

constexpr int scripts = 5;

// Each with a pause in which the others arrive, and more than one statement.
void write_scripts(const World& world, bool flyway) {
    const std::string pause =
        world.place().backend == "postgres" ? "SELECT pg_sleep(0.01);\n" : "DO SLEEP(0.01);\n";
    for (int i = 1; i <= scripts; ++i) {
        const std::string n = std::to_string(i);
        const std::string text = (i == 1 ? "CREATE TABLE seen(n INT NOT NULL);\n" : "") +
                                 std::string("CREATE TABLE t") + n + "(id INT);\n" + pause +
                                 "INSERT INTO seen VALUES (" + n + ");\n";
        world.write(flyway ? "V" + n + "__step.sql" : n + "_step.up.sql", text);
    }
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// One that another is in the way of, as the tool itself says: it is started again.
bool in_the_way(const std::string& error) {
    return has(error, "can't acquire database lock") || has(error, "failed migration to version") ||
           has(error, "Unable to acquire") || has(error, "Number of retries exceeded") ||
           has(error, "Dirty database version");
}

class Contest {
public:
    Contest(const Place& place, bool flyway) : place_(place), flyway_(flyway) {
        for (int self = 0; self < workers; ++self)
            children_.push_back(spawn([&, self] { work(place_, *signals_, self); }));
    }
    Contest(const Contest&) = delete;
    ~Contest() {
        signals_->round = -1;
        for (const pid_t child : children_) {
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
        }
    }

    void run(int64_t round, Process& tool, Random& random) {
        World world(place_, tenant_name);
        write_scripts(world, flyway_);
        must_ask(world, tool, Upto::first);
        await(signals_->ready, workers * static_cast<int>(round), "the workers do not come");
        world.folder().copy(signals_->folder, sizeof signals_->folder - 1);
        // Flyway looks at much before it takes its lock.
        for (auto& delay : signals_->delay_us) delay = pick(random, 0, flyway_ ? 400000 : 30000);
        signals_->ended = 0;
        signals_->applied = 0;
        for (auto& failure : signals_->failures) failure[0] = 0;
        signals_->round = round;
        usleep(static_cast<useconds_t>(pick(random, 0, 15000)));
        must_ask(world, tool, Upto::last);
        await(signals_->ended, workers, "mtdb hangs");
        for (const auto& failure : signals_->failures) check(failure[0] == 0, failure);
        verify(world);
    }
    int64_t applied_by_mtdb() const { return applied_; }

private:
    enum class Upto { first, last };

    void must_ask(World& world, Process& tool, Upto upto) {
        const int64_t end = now_ms() + plenty_ms;
        for (;;) {
            const std::string error = tool.ask(words(world, upto)).error;
            if (error.empty() || error == "no change") return;
            check(in_the_way(error), error);
            check(now_ms() < end, "the tool never gets its turn: " + error);
        }
    }
    std::vector<std::string> words(World& world, Upto upto) const {
        if (!flyway_)
            return {upto == Upto::first ? "steps" : "up", place_.golang(world.tenant()),
                    "file://" + world.folder(), "1"};
        std::vector<std::string> out = {"migrate", "url=" + place_.jdbc(world.tenant()),
                                        "user=" + place_.user, "password=" + place_.password,
                                        "locations=filesystem:" + world.folder()};
        if (place_.backend == "postgres") out.push_back("schemas=" + world.tenant());
        if (upto == Upto::first) out.push_back("target=1");
        return out;
    }
    void verify(World& world) {
        same(Lines{"1,2,3,4,5"}, Lines{world.text("SELECT n FROM seen ORDER BY n")});
        if (flyway_)
            same(Lines{"1,2,3,4,5"}, Lines{world.text("SELECT version FROM flyway_schema_history "
                                                      "WHERE success ORDER BY installed_rank")});
        else
            same(Lines{"5"},
                 Lines{world.text("SELECT version FROM schema_migrations WHERE NOT dirty")});
        same({}, world.problems());
        check(signals_->applied < scripts, "the first script was applied again");
        applied_ += signals_->applied;
    }

    const Place& place_;
    const bool flyway_;
    const Shared<Signals> signals_;
    std::vector<pid_t> children_;
    int64_t applied_ = 0;
};

}  // namespace

void tell_together(const Place& place, bool flyway, const std::vector<std::string>& command) {
    const std::string tool = flyway ? "Flyway" : "golang-migrate";
    Contest contest(place, flyway);  // its processes, before any thread and the tool's pipe
    Process process(command);
    Random random(seed(("together " + tool + " " + place.backend).c_str()));
    const int64_t rounds = scaled(15);
    for (int64_t round = 1; round <= rounds; ++round)
        test("two of mtdb and " + tool + " at once, round " + std::to_string(round) + " (" +
                 place.backend + ")",
             [&] { contest.run(round, process, random); });
    test("each has its share of the scripts (" + place.backend + ")", [&] {
        const int64_t ours = contest.applied_by_mtdb();
        std::printf("mtdb applied %lld of %lld scripts\n", static_cast<long long>(ours),
                    static_cast<long long>(rounds * (scripts - 1)));
        check(ours > 0 && ours < rounds * (scripts - 1), std::to_string(ours));
    });
}

}  // namespace peers
