// SPDX-License-Identifier: MIT
#include "harness.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#define MTDB_UNSTABLE
#include "mtdb_unstable.h"

namespace harness {

namespace {

std::atomic<int64_t> passed_cases{0};
std::atomic<int64_t> failed_cases{0};

std::string place_of(Place at) {
    const std::string_view file = at.file;
    return std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(at.line);
}

int64_t size_of(std::string_view text) { return static_cast<int64_t>(text.size()); }

Answer rows_of(const Answer& asked, mtdb_result* owned, std::string& out) {
    const Result result(owned);
    if (!asked.ok()) return asked;
    out.clear();
    for (bool first = true;; first = false) {
        Answer answer = ask([&](mtdb_error** err) { return mtdb_result_next(result.get(), err); });
        if (answer.status != MTDB_OK) {
            if (answer.status == MTDB_DONE) answer.status = MTDB_OK;
            return answer;
        }
        if (!first) out += ',';
        const int32_t type = mtdb_value_type(result.get(), 0);
        if (type == MTDB_TYPE_INT64) {
            out += std::to_string(mtdb_value_int64(result.get(), 0));
        } else if (const char* text = mtdb_value_text(result.get(), 0, nullptr)) {
            out += text;
        } else {
            out += "NULL";
        }
    }
}

}  // namespace

void check(bool claim, const std::string& detail, Place at) {
    if (!claim) throw Failed(place_of(at) + ": " + detail);
}

void test(const std::string& name, const std::function<void()>& body) {
    try {
        body();
        count(true, name);
    } catch (const std::exception& error) {
        count(false, name, error.what());
    }
}

void count(bool passed, const std::string& name, const std::string& detail) {
    (passed ? passed_cases : failed_cases).fetch_add(1);
    if (passed) return;
    std::printf("FAILED: %s\n  %s\n", name.c_str(), detail.c_str());
    std::fflush(stdout);
}

int summary() {
    std::printf("%lld passed, %lld failed\n", static_cast<long long>(passed_cases.load()),
                static_cast<long long>(failed_cases.load()));
    std::fflush(stdout);
    return failed_cases.load() == 0 && passed_cases.load() > 0 ? 0 : 1;
}

double scale() {
    const char* given = std::getenv("MTDB_SCALE");
    const double value = given != nullptr ? std::strtod(given, nullptr) : 1;
    return value > 0 ? value : 1;
}

int64_t scaled(int64_t rounds) { return std::max<int64_t>(1, std::llround(static_cast<double>(rounds) * scale())); }

uint64_t seed(const char* program) {
    const char* given = std::getenv("MTDB_SEED");
    const uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 10) : 20240607;
    std::printf("%s: MTDB_SEED=%llu MTDB_SCALE=%g\n", program, static_cast<unsigned long long>(value), scale());
    std::fflush(stdout);
    return value;
}

int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void sleep_ms(int64_t time_ms) { std::this_thread::sleep_for(std::chrono::milliseconds(time_ms)); }

// ---- folders and children ----

Folder::Folder(Kind kind) {
    const bool memory = kind == Kind::speedy && access("/dev/shm", W_OK | X_OK) == 0;
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(memory ? "/dev/shm" : base != nullptr ? base : "/tmp") + "/mtdb-crash-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw Failed("cannot make a folder " + name);
    path_ = name;
}

Folder& Folder::operator=(Folder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
}

Folder::~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    check(static_cast<bool>(file), "cannot write " + path);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    check(static_cast<bool>(file), "cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

pid_t spawn(const std::function<void()>& body, Ending ending) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) throw Failed("cannot fork");
    if (child > 0) return child;
    int code = 0;
    try {
        body();
    } catch (const std::exception& error) {
        std::printf("  in a child: %s\n", error.what());
        code = 1;
    }
    std::fflush(stdout);
    if (ending == Ending::at_once) _exit(code);
    std::exit(code);
}

void join(pid_t child, int64_t timeout_ms) {
    const int64_t end = now_ms() + timeout_ms;
    int status = 0;
    for (pid_t ended = 0; ended == 0;) {
        ended = waitpid(child, &status, WNOHANG);
        if (ended < 0 && errno != EINTR) throw Failed("cannot wait for a child");
        if (ended > 0) break;
        ended = 0;
        if (now_ms() > end) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            throw Failed("a child hangs");
        }
        sleep_ms(1);
    }
    if (WIFSIGNALED(status)) throw Failed("a child died of signal " + std::to_string(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0) throw Failed("a child exited with " + std::to_string(WEXITSTATUS(status)));
}

void in_child(const std::function<void()>& body, Ending ending) { join(spawn(body, ending)); }

// ---- the C ABI ----

std::string Answer::text() const {
    static const char* const effects[] = {"none", "rolled back", "committed", "unknown"};
    return std::string(mtdb_status_name(status)) + " (effect " + effects[effect & 3] + ", native " +
           std::to_string(native) + "): " + message;
}

Answer answer_of(mtdb_status status, mtdb_error* owned) {
    Answer answer;
    answer.status = status;
    if (owned == nullptr) return answer;
    answer.effect = mtdb_error_effect(owned);
    answer.native = mtdb_error_native(owned);
    answer.message = mtdb_error_message(owned);
    char limit[64];
    int64_t needed = 0;
    if (mtdb_error_text(owned, MTDB_ERROR_LIMIT, limit, sizeof limit, &needed) == MTDB_OK)
        answer.limit.assign(limit, static_cast<std::size_t>(needed));
    mtdb_error_release(owned);
    return answer;
}

void must(const Answer& answer, Place at) { check(answer.ok(), answer.text(), at); }

void must_be(mtdb_status expected, const Answer& answer, Place at) {
    check(answer.status == expected, std::string("expected ") + mtdb_status_name(expected) + ", got " + answer.text(),
          at);
}

void must_be_one_of(std::initializer_list<mtdb_status> expected, const Answer& answer, Place at) {
    std::string names;
    for (const mtdb_status each : expected) {
        if (answer.status == each) return;
        names += std::string(mtdb_status_name(each)) + " ";
    }
    check(false, "expected one of " + names + "got " + answer.text(), at);
}

Options options_of(Settings settings) {
    mtdb_options* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_options_new(&made, err); });
    Options options(made);
    for (const auto& setting : settings)
        ok([&](mtdb_error** err) {
            return mtdb_options_set_str(options.get(), setting.first, -1, setting.second.data(),
                                        size_of(setting.second), err);
        });
    return options;
}

Db open_db(const std::string& root, Settings settings) {
    const Options options = options_of(settings);
    mtdb_db* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_db_open(root.data(), size_of(root), options.get(), &made, err); });
    return Db(made);
}

Cancel new_cancel() {
    mtdb_cancel* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_cancel_new(&made, err); });
    return Cancel(made);
}

Answer close_db(mtdb_db* db) {
    return ask([&](mtdb_error** err) { return mtdb_db_close(db, plenty_ms, nullptr, nullptr, err); });
}

Answer create(mtdb_db* db, const std::string& tenant) {
    return ask([&](mtdb_error** err) {
        return mtdb_tenant_create(db, tenant.data(), size_of(tenant), plenty_ms, nullptr, err);
    });
}

Answer ping(mtdb_db* db, const std::string& tenant) {
    return ask(
        [&](mtdb_error** err) { return mtdb_db_ping(db, tenant.data(), size_of(tenant), plenty_ms, nullptr, err); });
}

bool exists(mtdb_db* db, const std::string& tenant) {
    int32_t found = 0;
    ok([&](mtdb_error** err) { return mtdb_tenant_exists(db, tenant.data(), size_of(tenant), &found, err); });
    return found == 1;
}

Answer acquire(mtdb_db* db, const std::string& tenant, Conn& out, int64_t timeout_ms, mtdb_cancel* cancel) {
    mtdb_conn* made = nullptr;
    Answer answer = ask([&](mtdb_error** err) {
        return mtdb_db_acquire(db, tenant.data(), size_of(tenant), nullptr, timeout_ms, cancel, &made, err);
    });
    out.reset(made);
    return answer;
}

Conn lease(mtdb_db* db, const std::string& tenant) {
    Conn conn;
    must(acquire(db, tenant, conn));
    return conn;
}

Answer give_back(mtdb_conn* conn) {
    return ask([&](mtdb_error** err) { return mtdb_conn_close(conn, err); });
}

Answer exec(mtdb_db* db, const std::string& tenant, const std::string& sql) {
    return ask([&](mtdb_error** err) {
        return mtdb_db_exec(db, tenant.data(), size_of(tenant), sql.data(), size_of(sql), nullptr, 0, plenty_ms,
                            nullptr, nullptr, err);
    });
}

Answer exec(mtdb_conn* conn, const std::string& sql, int64_t timeout_ms, mtdb_cancel* cancel) {
    return ask([&](mtdb_error** err) {
        return mtdb_conn_exec(conn, sql.data(), size_of(sql), nullptr, 0, timeout_ms, cancel, nullptr, err);
    });
}

Answer begin(mtdb_conn* conn) {
    return ask([&](mtdb_error** err) { return mtdb_tx_begin(conn, nullptr, plenty_ms, nullptr, err); });
}

Answer commit(mtdb_conn* conn) {
    return ask([&](mtdb_error** err) { return mtdb_tx_commit(conn, plenty_ms, nullptr, err); });
}

Answer rollback(mtdb_conn* conn) {
    return ask([&](mtdb_error** err) { return mtdb_tx_rollback(conn, err); });
}

Answer query(mtdb_db* db, const std::string& tenant, const std::string& sql, std::string& out) {
    mtdb_result* result = nullptr;
    const Answer asked = ask([&](mtdb_error** err) {
        return mtdb_db_query(db, tenant.data(), size_of(tenant), sql.data(), size_of(sql), nullptr, 0, plenty_ms,
                             nullptr, &result, err);
    });
    return rows_of(asked, result, out);
}

Answer query(mtdb_conn* conn, const std::string& sql, std::string& out) {
    mtdb_result* result = nullptr;
    const Answer asked = ask([&](mtdb_error** err) {
        return mtdb_conn_query(conn, sql.data(), size_of(sql), nullptr, 0, plenty_ms, nullptr, &result, err);
    });
    return rows_of(asked, result, out);
}

std::string text_in(mtdb_db* db, const std::string& tenant, const std::string& sql) {
    std::string out;
    must(query(db, tenant, sql, out));
    return out;
}

int64_t int_in(mtdb_db* db, const std::string& tenant, const std::string& sql) {
    return std::stoll(text_in(db, tenant, sql));
}

int64_t int_of(mtdb_conn* conn, const std::string& sql) {
    std::string out;
    must(query(conn, sql, out));
    return std::stoll(out);
}

Migrator new_migrator(mtdb_db* db, Settings settings) {
    const Options options = options_of(settings);
    mtdb_migrator* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_migrator_new(db, options.get(), &made, err); });
    return Migrator(made);
}

void add_script(mtdb_migrator* migrator, int version, const std::string& sql) {
    const std::string number = std::to_string(version);
    ok([&](mtdb_error** err) {
        return mtdb_migrator_add(migrator, number.data(), size_of(number), "step", -1, sql.data(), size_of(sql),
                                 nullptr, 0, err);
    });
}

Answer migrate(mtdb_migrator* migrator, const std::string& tenant, const std::string& target, int64_t* applied) {
    return ask([&](mtdb_error** err) {
        return mtdb_migrator_migrate(migrator, tenant.data(), size_of(tenant), target.data(), size_of(target),
                                     plenty_ms, nullptr, applied, err);
    });
}

int64_t live_handles() { return mtdb_unstable_live_handles(); }

}  // namespace harness
