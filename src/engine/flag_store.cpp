// SPDX-License-Identifier: MIT
#include "engine/flag_store.hpp"

#include "backends/registry.hpp"
#include "base/text.hpp"
#include "control/quiesce_sql.hpp"
#include "db/url.hpp"
#include "engine/options.hpp"

namespace mtdb::engine {

std::shared_ptr<control::Store> open_flag_store(std::string_view text, std::string_view table) {
    db::Url url = db::Url::parse(text);
    Options options;
    for (const auto& [key, value] : url.settings) {
        if (!key.starts_with("mtdb_"))
            throw Error(Code::invalid_argument,
                        "the control store's url has the unknown key '" + base::excerpt(key) + "'");
        options.set_text(std::string_view(key).substr(5), value);
    }
    db::Place place;
    if (url.scheme == "sqlite") {
        if (url.target == ":memory:")
            throw Error(Code::invalid_argument, "flags in memory are those of an empty quiesce.store");
        const std::size_t slash = url.target.rfind('/');
        place.path = slash == std::string::npos ? url.target : url.target.substr(slash + 1);
        url.target = slash == std::string::npos ? "." : slash == 0 ? "/" : url.target.substr(0, slash);
    } else {
        options.set_text("tenancy", "server");  // the url's own database, where its user's path leads
    }
    const std::shared_ptr<db::Backend> backend = backends::open(url, options);
    const bool files = backend->dialect().tenant_unit == db::Namespace::file;
    return std::make_shared<control::SqlStore>(
        backend->dialect(), table,
        [backend, place, files](control::SqlStore::Missing missing, const Wait& wait) {
            if (files && missing == control::SqlStore::Missing::create && !backend->exists(place, wait)) {
                try {
                    backend->create(place, wait);
                } catch (const Error& error) {
                    if (error.code() != Code::exists) throw;  // another process was first
                }
            }
            try {
                return backend->open(place, wait);
            } catch (const Error& error) {
                if (error.code() != Code::tenant_unknown) throw;
                if (!files) throw error.with_code(Code::not_found);  // a server's database is not ours to make
                throw error.with_code(Code::not_found)
                    .with_message("there is no control store yet: mtdb_quiesce_create() makes it");
            }
        });
}

}  // namespace mtdb::engine
