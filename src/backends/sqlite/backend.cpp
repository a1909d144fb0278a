// SPDX-License-Identifier: MIT
#include "backends/sqlite/backend.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "backends/sqlite/errors.hpp"
#include "backends/sqlite/glance.hpp"
#include "backends/sqlite/listing.hpp"
#include "backends/sqlite/memory.hpp"
#include "backends/sqlite/provision.hpp"
#include "backends/sqlite/sqlite.hpp"
#include "base/checksum.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace mtdb::backends::sqlite {

namespace {

constexpr db::Dialect file_dialect{
    .name = "sqlite",
    .quote = '"',
    .tenant_unit = db::Namespace::file,
    .transactional_ddl = true,
    .single_writer = true,
    .concurrent_results = true,
    .persistent = true,
    .history = history_dialect,
    .driver = driver_dialect,
};

// An absolute route may be any file, but its folder is held as closely as the root is.
std::string folder_of(const std::string& path) {
    const Split at = split_path(path);
    return at.folder.empty() ? "/" : at.folder;
}

}  // namespace

std::string expand_template(std::string_view text, std::string_view id) {
    uint64_t hash = base::stable_hash64(id);
    std::string out;
    while (!text.empty()) {
        if (text.starts_with("{id}")) {
            out += id;
            text.remove_prefix(4);
        } else if (text.starts_with("{hash:") && text.size() >= 8 && text[7] == '}') {
            for (char left = text[6]; left > '0'; --left, hash <<= 4)
                out += "0123456789abcdef"[hash >> 60];
            text.remove_prefix(8);
        } else {
            out += text.front();
            text.remove_prefix(1);
        }
    }
    return out;
}

std::string empty_database(const Config& config) {
    const Handle memory(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, Storage::memory);
    const int result =
        sqlite3_exec(memory.get(), "PRAGMA user_version=0", nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) throw engine_error(memory.get(), result);
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> bytes(
        sqlite3_serialize(memory.get(), "main", &size, 0), &sqlite3_free);
    if (!bytes || size < 100) throw Error(Code::nomem, "out of memory");
    std::string out(reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size));
    // Bytes 18 and 19 of the header, the write and read version: 2 is the write-ahead log.
    out[18] = out[19] = config.write_ahead_log ? 2 : 1;
    return out;
}

std::string read_only_uri(std::string_view path, std::string_view more) {
    std::string out = "file:";
    for (const char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') ||
                           std::string_view("/._-~").find(c) != std::string_view::npos;
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += "0123456789ABCDEF"[byte >> 4];
        out += "0123456789ABCDEF"[byte & 15];
    }
    out += "?mode=ro";
    out += more;
    return out;
}

FileBackend::FileBackend(const std::string& folder, const db::Settings& settings)
    : root_(Root::resolve(folder)),
      config_(std::make_shared<const Config>(Config::read(settings))),
      outside_(settings.boolean("route.outside")),
      depth_(static_cast<int>(std::ranges::count(settings.text("tenant.path"), '/'))),
      shared_name_(settings.text("tenant.shared")),
      shared_path_(
          shared_name_.empty() ? "" : expand_template(settings.text("tenant.path"), shared_name_)),
      empty_database_(empty_database(*config_)) {
    if (base::equal_fold(shared_name_, "main") || base::equal_fold(shared_name_, "temp"))
        throw Error(Code::invalid_argument, "tenant.shared cannot be '" + shared_name_ + "'");
    if (!shared_path_.empty()) check_relative(shared_path_);
}

const db::Dialect& FileBackend::dialect() const { return file_dialect; }

db::FileCost FileBackend::file_cost() const {
    const db::FileCost own;
    // The shared file costs each connection as much again.
    return shared_name_.empty() ? own : db::FileCost{2 * own.first, 2 * own.further};
}

FileBackend::Location FileBackend::locate(const db::Place& place) const {
    if (!outside_ || !place.path.starts_with('/')) return {std::nullopt, place.path};
    if (place.path.find('\0') != place.path.npos)
        throw Error(Code::invalid_argument,
                    "path '" + base::excerpt(place.path, 200) + "' holds a NUL byte");
    return {Root::resolve(folder_of(place.path)), split_path(place.path).name};
}

std::optional<Shared> FileBackend::shared_for(const Location& location) const {
    if (shared_name_.empty() || (!location.own && location.path == shared_path_))
        return std::nullopt;
    try {
        root_.look(shared_path_);
    } catch (const Error& error) {
        throw error.with_code(error.code() == Code::tenant_unknown ? Code::not_found : error.code())
            .with_message("the shared file: " + error.message());
    }
    return Shared{shared_name_, read_only_uri(root_.full(shared_path_))};
}

std::unique_ptr<db::Connection> FileBackend::open(const db::Place& place, const Wait& wait) {
    wait.check("the tenant to open");
    const Location location = locate(place);
    const Root& root = root_of(location);
    const Found found = root.look(location.path);
    const auto shared = shared_for(location);
    try {
        constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW;
        // With a shared file its name is a URI; the tenant's own begins with a slash, so it never
        // is one.
        Handle handle(root.full(location.path), shared ? flags | SQLITE_OPEN_URI : flags,
                      Storage::file);
        root.confirm(location.path, found);
        if (handle.has_moved())
            throw Error(Code::permission, "it was replaced while it was opened");
        return std::make_unique<Connection>(std::move(handle), config_, place.path, shared, wait);
    } catch (const Error& error) {
        root.check_alive();
        throw error.with_message("cannot open '" + base::excerpt(place.path, 200) +
                                 "': " + error.message());
    }
}

void FileBackend::create(const db::Place& place, const Wait& wait) {
    wait.check("the tenant to be created");
    const Location location = locate(place);
    Staging staging(root_of(location), location.path);
    staging.write(empty_database_);
    staging.install(wait);
    sweep_sometimes(location);
}

void FileBackend::sweep_sometimes(const Location& location) noexcept {
    // Reading a folder of 100,000 tenants at each create would cost more than the create.
    constexpr uint32_t creates_per_sweep = 1024;
    if (creates_.fetch_add(1, std::memory_order_relaxed) % creates_per_sweep != 0) return;
    try {
        const Root& root = root_of(location);
        if (const Fd folder =
                root.open_folder(split_path(location.path).folder, Root::Missing::keep))
            sweep_leftovers(folder.get(), std::time(nullptr));
    } catch (...) {
        // What is left is found again by a later create.
    }
}

bool FileBackend::exists(const db::Place& place, const Wait&) {
    const Location location = locate(place);
    return root_of(location).find(location.path).has_value();
}

// Device, inode, size and time of the last change, of the file and of its write-ahead log. Only looks: a fleet asks
// for all of its tenants.
std::string FileBackend::identity(const db::Place& place) {
    const Location location = locate(place);
    const Root& root = root_of(location);
    std::string identity;
    for (const std::string_view suffix : {std::string_view(), sidecars[0]}) {
        struct stat facts {};
        if (fstatat(root.fd(), (location.path + std::string(suffix)).c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
            if (suffix.empty()) return {};
            continue;
        }
        if (!suffix.empty() && facts.st_size == 0) continue;  // somebody reads; nothing is in it
        for (const int64_t fact : {static_cast<int64_t>(facts.st_dev), static_cast<int64_t>(facts.st_ino),
                                   static_cast<int64_t>(facts.st_size), static_cast<int64_t>(facts.st_mtim.tv_sec),
                                   static_cast<int64_t>(facts.st_mtim.tv_nsec)})
            identity += std::to_string(fact) + ':';
    }
    return identity;
}

// A shared file stands beside it, or its folder is another root: a lease sees to that.
std::unique_ptr<db::Glance> FileBackend::glance(const db::Place& place, const Wait& wait) {
    wait.check("the tenant to look at");
    const Location location = locate(place);
    if (!shared_name_.empty() || location.own) return nullptr;
    return Glance::at(root_, location.path, config_, wait);
}

void FileBackend::drop(const db::Place& place, const Wait& wait) {
    const Location location = locate(place);
    remove_place(root_of(location), location.path, wait);
}

void FileBackend::copy(db::Connection& source, const db::Place& target, const Wait& wait) {
    wait.check("the copy");
    const Location location = locate(target);
    const Root& root = root_of(location);
    Staging staging(root, location.path);
    static_cast<Connection&>(source).copy_into(root.full(staging.path()), wait);
    staging.install(wait);
    sweep_sometimes(location);
}

std::unique_ptr<db::TenantCursor> FileBackend::list(const Wait&) { return list_places(root_, depth_); }

bool FileBackend::checkpoint(db::Connection& connection) {
    return static_cast<Connection&>(connection).checkpoint();
}

std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings& settings) {
    // Before the first call into sqlite: another thread of the parent may have held one of its
    // locks when it forked.
    if (base::inherited_open_files())
        throw Error(Code::forked,
                    "a process that forked with sqlite files open cannot open one in the child");
    if (url.target == ":memory:") return std::make_unique<MemoryBackend>(settings);
    return std::make_unique<FileBackend>(url.target, settings);
}

}  // namespace mtdb::backends::sqlite
