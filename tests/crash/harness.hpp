// SPDX-License-Identifier: MIT
// What the crash and stress programs share: cases that count, folders, children, and short forms of the C calls.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "mtdb.h"

namespace harness {

constexpr int64_t plenty_ms = 60000;  // long enough for anything that is expected to end by itself

// ---- cases ----

// Where a check stands (clang 14 has no std::source_location).
struct Place {
    const char* file;
    int line;
    static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
};

// Thrown by the checks below; fails the case it is thrown in.
struct Failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// `claim` must hold; `detail` says what was seen instead.
void check(bool claim, const std::string& detail, Place at = Place::here());

// Runs one case and counts it. `name` is a claim.
void test(const std::string& name, const std::function<void()>& body);
// Counts a case that was decided elsewhere, such as in another thread; a failure is printed.
void count(bool passed, const std::string& name, const std::string& detail = {});
// Prints the closing line; the program's exit code.
int summary();

// MTDB_SCALE, 1 by default: how many times the usual rounds.
double scale();
int64_t scaled(int64_t rounds);
// MTDB_SEED, or a fixed one; printed once with the program's name.
uint64_t seed(const char* program);

using Random = std::mt19937_64;
inline int64_t pick(Random& random, int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random);
}

int64_t now_ms();  // monotonic
void sleep_ms(int64_t time_ms);

// ---- folders and children ----

// A folder that goes with this object. Speedy ones are in memory where the system has such a place.
class Folder {
public:
    enum class Kind { disk, speedy };
    explicit Folder(Kind kind = Kind::disk);
    Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    Folder& operator=(Folder&& other) noexcept;
    ~Folder();
    const std::string& path() const { return path_; }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    std::string path_;
};
void write_file(const std::string& path, std::string_view bytes);
std::string read_file(const std::string& path);

// How a child ends once its body is done: at once, or through the handlers and destructors of exit().
enum class Ending { at_once, handlers };
// Runs `body` in a forked child, which exits with 0, or prints what failed and exits with 1.
pid_t spawn(const std::function<void()>& body, Ending ending = Ending::at_once);
// Throws Failed unless the child exits with 0 in time; one that does not is killed.
void join(pid_t child, int64_t timeout_ms = plenty_ms);
void in_child(const std::function<void()>& body, Ending ending = Ending::at_once);

// ---- the C ABI ----

struct Answer {
    mtdb_status status = MTDB_OK;
    int32_t effect = MTDB_EFFECT_NONE;
    int64_t native = 0;
    std::string limit;
    std::string message;

    bool ok() const { return status >= 0; }
    bool untouched() const { return effect == MTDB_EFFECT_NONE || effect == MTDB_EFFECT_ROLLED_BACK; }
    std::string text() const;
};

Answer answer_of(mtdb_status status, mtdb_error* owned);

// ask([&](mtdb_error** err) { return mtdb_...(…, err); })
template <class Call>
Answer ask(Call&& call) {
    mtdb_error* err = nullptr;
    const mtdb_status status = call(&err);
    return answer_of(status, err);
}
void must(const Answer& answer, Place at = Place::here());
void must_be(mtdb_status expected, const Answer& answer, Place at = Place::here());
void must_be_one_of(std::initializer_list<mtdb_status> expected, const Answer& answer,
                    Place at = Place::here());
template <class Call>
void ok(Call&& call, Place at = Place::here()) {
    must(ask(std::forward<Call>(call)), at);
}

template <auto release>
struct Release {
    template <class T>
    void operator()(T* owned) const {
        release(owned);
    }
};
using Db = std::unique_ptr<mtdb_db, Release<mtdb_db_release>>;
using Conn = std::unique_ptr<mtdb_conn, Release<mtdb_conn_release>>;
using Stmt = std::unique_ptr<mtdb_stmt, Release<mtdb_stmt_release>>;
using Result = std::unique_ptr<mtdb_result, Release<mtdb_result_release>>;
using Block = std::unique_ptr<mtdb_block, Release<mtdb_block_release>>;
using Cancel = std::unique_ptr<mtdb_cancel, Release<mtdb_cancel_release>>;
using Options = std::unique_ptr<mtdb_options, Release<mtdb_options_release>>;
using Migrator = std::unique_ptr<mtdb_migrator, Release<mtdb_migrator_release>>;

using Settings = std::initializer_list<std::pair<const char*, std::string>>;

Options options_of(Settings settings);
Db open_db(const std::string& root, Settings settings = {});
Cancel new_cancel();
Answer close_db(mtdb_db* db);
Answer create(mtdb_db* db, const std::string& tenant);
Answer ping(mtdb_db* db, const std::string& tenant);
bool exists(mtdb_db* db, const std::string& tenant);
// Writes the lease to `out`.
Answer acquire(mtdb_db* db, const std::string& tenant, Conn& out, int64_t timeout_ms = plenty_ms,
               mtdb_cancel* cancel = nullptr);
Conn lease(mtdb_db* db, const std::string& tenant);
Answer give_back(mtdb_conn* conn);
Answer exec(mtdb_db* db, const std::string& tenant, const std::string& sql);
Answer exec(mtdb_conn* conn, const std::string& sql, int64_t timeout_ms = plenty_ms, mtdb_cancel* cancel = nullptr);
Answer begin(mtdb_conn* conn);
Answer commit(mtdb_conn* conn);
Answer rollback(mtdb_conn* conn);
// The first column of all rows, joined by commas.
Answer query(mtdb_db* db, const std::string& tenant, const std::string& sql, std::string& out);
Answer query(mtdb_conn* conn, const std::string& sql, std::string& out);
std::string text_in(mtdb_db* db, const std::string& tenant, const std::string& sql);
int64_t int_in(mtdb_db* db, const std::string& tenant, const std::string& sql);
int64_t int_of(mtdb_conn* conn, const std::string& sql);
Migrator new_migrator(mtdb_db* db, Settings settings = {});
void add_script(mtdb_migrator* migrator, int version, const std::string& sql);
Answer migrate(mtdb_migrator* migrator, const std::string& tenant, const std::string& target = "latest",
               int64_t* applied = nullptr);
int64_t live_handles();

}  // namespace harness
