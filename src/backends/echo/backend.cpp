// SPDX-License-Identifier: MIT
#include <set>

#include "backends/echo/connection.hpp"
#include "backends/echo/echo.hpp"
#include "base/guarded.hpp"
#include "base/text.hpp"

namespace mtdb::backends::echo {
namespace {

using Places = Guarded<std::set<std::string, std::less<>>>;

constexpr db::Dialect echo_dialect = [] {
    db::Dialect dialect;
    dialect.name = "echo";
    dialect.ping = "echo 1";
    dialect.history.current_namespace = "echo";
    return dialect;
}();

class Listing final : public db::TenantCursor {
public:
    explicit Listing(std::shared_ptr<Places> places) : places_(std::move(places)) {}

    // Places that come or go meanwhile may be seen or not; the others are seen once.
    std::optional<std::string> next() override {
        auto places = places_->lock();
        const auto place = last_ ? places->upper_bound(*last_) : places->begin();
        if (place == places->end()) return std::nullopt;
        last_ = *place;
        return last_;
    }

private:
    std::shared_ptr<Places> places_;
    std::optional<std::string> last_;
};

Error unknown(const db::Place& place) {
    return Error(Code::tenant_unknown, "nothing is at '" + base::excerpt(place.path) + "'")
        .with_native("echo", MTDB_TENANT_UNKNOWN);
}

class Backend final : public db::Backend {
public:
    const db::Dialect& dialect() const override { return echo_dialect; }
    db::FileCost file_cost() const override { return {.first = 0, .further = 0}; }

    std::unique_ptr<db::Connection> open(const db::Place& place, const Wait& wait) override {
        wait.check("echo");
        if (!exists(place, wait)) throw unknown(place);
        return std::make_unique<Connection>(place.path);
    }

    void create(const db::Place& place, const Wait& wait) override {
        wait.check("echo");
        if (!places_->lock()->insert(place.path).second) {
            throw Error(Code::exists, "'" + base::excerpt(place.path) + "' exists")
                .with_native("echo", MTDB_EXISTS);
        }
    }

    bool exists(const db::Place& place, const Wait&) override { return places_->lock()->contains(place.path); }

    void drop(const db::Place& place, const Wait& wait) override {
        wait.check("echo");
        if (places_->lock()->erase(place.path) == 0) throw unknown(place);
    }

    void copy(db::Connection&, const db::Place& target, const Wait& wait) override {
        create(target, wait);
    }
    std::unique_ptr<db::TenantCursor> list(const Wait&) override { return std::make_unique<Listing>(places_); }
    bool checkpoint(db::Connection&) override { return false; }

private:
    std::shared_ptr<Places> places_ = std::make_shared<Places>();
};

}  // namespace

std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings&) {
    if (!url.target.empty()) {
        throw Error(Code::invalid_argument,
                    "url 'echo:" + base::excerpt(url.target) + "' has more than its scheme");
    }
    return std::make_unique<Backend>();
}

}  // namespace mtdb::backends::echo
