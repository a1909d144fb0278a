// SPDX-License-Identifier: MIT
#include "engine/control_store.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "backends/registry.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "db/url.hpp"

namespace mtdb::engine {
namespace {

// Hidden, so that it is nobody's tenant.
constexpr const char* folder_in_root = "/.mtdb";
constexpr const char* file_in_folder = "control.db";

bool is_server(std::string_view url) {
    return url.find("://") != std::string_view::npos && !url.starts_with("sqlite");
}

}  // namespace

ControlStore::ControlStore(std::string_view url, std::string name, const Wait& wait) {
    std::string address(url);
    if (!is_server(url)) {
        // The folder is the root, the file a place in it.
        if (address.starts_with("sqlite:")) address.erase(0, 7);
        const std::size_t slash = address.rfind('/');
        place_.path = slash == std::string::npos ? address : address.substr(slash + 1);
        address = slash == std::string::npos ? "." : slash == 0 ? "/" : address.substr(0, slash);
        if (place_.path.empty())
            throw Error(Code::invalid_argument, "option control names a folder: name a file in it");
    } else {
        place_.path = std::move(name);
    }
    const db::Url parsed = db::Url::parse(address);
    if (!parsed.settings.empty())
        throw Error(Code::invalid_argument, "the control store's url takes no keys of the library's own");
    backend_ = backends::open(parsed, options_);
    if (backend_->exists(place_, wait)) return;
    try {
        backend_->create(place_, wait);
    } catch (const Error& error) {
        if (error.code() != Code::exists) throw;  // another process was first
    }
}

std::unique_ptr<db::Connection> ControlStore::connect(const Wait& wait) {
    auto connection = backend_->open(place_, wait);
    if (dialect().shares_connections) connection->pin(place_, false);
    return connection;
}

std::unique_ptr<ControlStore> control_store_of(const Options& options, const std::string& root, const Wait& wait) {
    const std::string url = options.text("control");
    if (!url.empty()) return std::make_unique<ControlStore>(url, options.text("control.namespace"), wait);
    if (root.empty()) return nullptr;
    const std::string folder = root + folder_in_root;
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        throw Error(errno == ENOSPC ? Code::disk_full : Code::io,
                    "the folder of the control store cannot be made: " + std::string(std::strerror(errno)));
    return std::make_unique<ControlStore>(folder + "/" + file_in_folder, std::string(), wait);
}

}  // namespace mtdb::engine
