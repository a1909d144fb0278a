// SPDX-License-Identifier: MIT
#include "engine/driver.hpp"
#include "capi/boundary.hpp"
#include "mtdb_callback.h"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Driver;
using engine::Scope;

namespace {

// What a program registered; it lives as long as the process.
struct Custom {
    std::string scheme;
    mtdb_driver_functions functions;
    void* user;
};

int64_t left_of(const Wait& wait) {
    if (wait.deadline.endless()) return MTDB_FOREVER;
    const auto left =
        std::chrono::duration_cast<base::milliseconds>(wait.deadline.time() - base::Clock::now());
    return left.count() > 0 ? left.count() : 0;
}

// One call into the program's driver: its status, and its word for a failure.
class Call {
public:
    char* problem() noexcept { return problem_; }
    static constexpr int64_t cap = 512;

    std::optional<Error> error(mtdb_status status, const Custom& custom, const char* verb) {
        if (status == MTDB_OK) return std::nullopt;
        problem_[cap - 1] = '\0';
        std::string text =
            base::valid_utf8(problem_) ? base::excerpt(problem_, cap) : std::string();
        if (text.empty()) text = "the driver '" + custom.scheme + "' failed to " + verb;
        const bool known = status < 0 && status >= MTDB_INTERNAL;
        return Error(known ? static_cast<Code>(status) : Code::internal, std::move(text));
    }
    void check(mtdb_status status, const Custom& custom, const char* verb) {
        if (const std::optional<Error> failed = error(status, custom, verb)) throw *failed;
    }

private:
    char problem_[cap] = {};
};

class CustomDriver final : public engine::DriverBody {
public:
    CustomDriver(const Custom& custom, void* driver) : custom_(custom), driver_(driver) {}
    CustomDriver(const CustomDriver&) = delete;
    ~CustomDriver() override { custom_.functions.close(driver_); }

    void lock(const Wait& wait) override {
        Call call;
        call.check(functions().lock(driver_, left_of(wait), call.problem(), Call::cap), custom_,
                   "lock");
    }
    void unlock() override {
        Call call;
        call.check(functions().unlock(driver_, call.problem(), Call::cap), custom_, "unlock");
    }
    void run(std::string_view text, const Wait& wait) override {
        Call call;
        int64_t line = 0;
        int64_t column = 0;
        const mtdb_status status =
            functions().run(driver_, text.data(), static_cast<int64_t>(text.size()), left_of(wait),
                            &line, &column, call.problem(), Call::cap);
        if (const std::optional<Error> failed = call.error(status, custom_, "run a migration"))
            throw engine::migration_failure(
                failed->with_position(std::max<int64_t>(line, 0), std::max<int64_t>(column, 0)));
    }
    void set_version(int64_t version, bool dirty, const Wait& wait) override {
        Call call;
        call.check(functions().set_version(driver_, version, dirty ? 1 : 0, left_of(wait),
                                           call.problem(), Call::cap),
                   custom_, "set the version");
    }
    Version version(const Wait& wait) override {
        Call call;
        int64_t version = -1;
        int32_t dirty = 0;
        call.check(functions().get_version(driver_, left_of(wait), &version, &dirty, call.problem(),
                                           Call::cap),
                   custom_, "read the version");
        if (version < -1)
            throw Error(Code::internal, "the driver '" + custom_.scheme + "' gave version " +
                                            std::to_string(version) + ", which is none");
        return {version, dirty != 0};
    }
    void drop(const Wait& wait) override {
        Call call;
        call.check(functions().drop(driver_, left_of(wait), call.problem(), Call::cap), custom_,
                   "drop");
    }

private:
    const mtdb_driver_functions& functions() const noexcept { return custom_.functions; }
    const Custom& custom_;
    void* const driver_;
};

std::unique_ptr<engine::DriverBody> open_custom(const void* context, const std::string& url,
                                                const Wait& wait) {
    const Custom& custom = *static_cast<const Custom*>(context);
    Call call;
    void* driver = nullptr;
    call.check(custom.functions.open(custom.user, url.data(), static_cast<int64_t>(url.size()),
                                     left_of(wait), &driver, call.problem(), Call::cap),
               custom, "open");
    return std::make_unique<CustomDriver>(custom, driver);
}

void check_functions(const mtdb_driver_functions* functions) {
    if (functions == nullptr) throw Error(Code::invalid_argument, "functions is NULL");
    if (functions->size != static_cast<int32_t>(sizeof(mtdb_driver_functions)) ||
        functions->version != MTDB_DRIVER_FUNCTIONS_VERSION)
        throw Error(Code::invalid_argument,
                    "functions has another size or version than the library's");
    const bool whole = functions->open != nullptr && functions->close != nullptr &&
                       functions->lock != nullptr && functions->unlock != nullptr &&
                       functions->run != nullptr && functions->set_version != nullptr &&
                       functions->get_version != nullptr && functions->drop != nullptr;
    if (!whole) throw Error(Code::invalid_argument, "one of the functions is NULL");
}

}  // namespace

extern "C" {

mtdb_status mtdb_driver_open(const char* url, int64_t url_len, const mtdb_options* options,
                             int64_t timeout_ms, mtdb_cancel* cancel, mtdb_driver** out,
                             mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_driver*& handle = required(out, "out");
        const auto held = token(cancel);
        handle = handle_of<mtdb_driver>(Driver::open(text(url, url_len, "url"),
                                                     options_of(options, Scope::driver | Scope::db),
                                                     {timeout_ms, held}));
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_from_conn(mtdb_conn* conn, const mtdb_options* options, int64_t timeout_ms,
                                  mtdb_cancel* cancel, mtdb_driver** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_driver*& handle = required(out, "out");
        const auto self = engine::Ref<engine::Conn>::share(&live(conn, "conn"));
        const auto held = token(cancel);
        handle = handle_of<mtdb_driver>(
            Driver::from_conn(self, options_of(options, Scope::driver), {timeout_ms, held}));
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_close(mtdb_driver* driver, mtdb_error** err) {
    return boundary(err, [&] {
        live(driver, "driver").close();
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_lock(mtdb_driver* driver, int64_t timeout_ms, mtdb_cancel* cancel,
                             mtdb_error** err) {
    return boundary(err, [&] {
        Driver& self = live(driver, "driver");
        const auto held = token(cancel);
        self.lock({timeout_ms, held});
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_unlock(mtdb_driver* driver, mtdb_error** err) {
    return boundary(err, [&] {
        live(driver, "driver").unlock();
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_run(mtdb_driver* driver, const char* text, int64_t text_len,
                            int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        Driver& self = live(driver, "driver");
        const auto held = token(cancel);
        self.run(capi::text(text, text_len, "text"), {timeout_ms, held});
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_set_version(mtdb_driver* driver, int64_t version, int32_t dirty,
                                    int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        Driver& self = live(driver, "driver");
        const auto held = token(cancel);
        self.set_version(version, dirty != 0, {timeout_ms, held});
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_version(mtdb_driver* driver, int64_t timeout_ms, mtdb_cancel* cancel,
                                int64_t* version, int32_t* dirty, mtdb_error** err) {
    clear(version);
    clear(dirty);
    return boundary(err, [&] {
        Driver& self = live(driver, "driver");
        int64_t& number = required(version, "version");
        int32_t& flag = required(dirty, "dirty");
        const auto held = token(cancel);
        const engine::DriverBody::Version found = self.version({timeout_ms, held});
        number = found.version;
        flag = found.dirty ? 1 : 0;
        return MTDB_OK;
    });
}

mtdb_status mtdb_driver_drop(mtdb_driver* driver, int64_t timeout_ms, mtdb_cancel* cancel,
                             mtdb_error** err) {
    return boundary(err, [&] {
        Driver& self = live(driver, "driver");
        const auto held = token(cancel);
        self.drop({timeout_ms, held});
        return MTDB_OK;
    });
}

void mtdb_driver_release(mtdb_driver* owned) { release(owned); }

mtdb_status mtdb_driver_register(const char* scheme, int64_t scheme_len,
                                 const mtdb_driver_functions* functions, void* user,
                                 mtdb_error** err) {
    return boundary(err, [&] {
        const std::string_view name = text(scheme, scheme_len, "scheme");
        check_functions(functions);
        auto custom = std::make_unique<Custom>(Custom{std::string(name), *functions, user});
        engine::register_driver(name, &open_custom, custom.get());
        static_cast<void>(custom.release());  // the registry's now, for ever
        return MTDB_OK;
    });
}

}  // extern "C"
