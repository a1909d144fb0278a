// SPDX-License-Identifier: MIT
#include "backends/sqlite/provision.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "backends/sqlite/errors.hpp"
#include "base/text.hpp"

namespace mtdb::backends::sqlite {

namespace {

constexpr std::string_view new_prefix = ".mtdb-new-";
constexpr std::string_view dropped_prefix = ".mtdb-dropped-";

std::string random_name(std::string_view prefix) {
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
        throw system_error("cannot get random bytes for", prefix, errno);
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(random));
    return std::string(prefix) + digits;
}

std::string joined(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : folder + "/" + name;
}

bool there(int folder, const std::string& name) noexcept {
    return faccessat(folder, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// True when one was there.
bool remove_sidecars(int folder, const std::string& name) {
    bool removed = false;
    for (const std::string_view suffix : sidecars) {
        const std::string sidecar = name + std::string(suffix);
        if (unlinkat(folder, sidecar.c_str(), 0) == 0)
            removed = true;
        else if (errno != ENOENT)
            throw system_error("cannot remove", sidecar, errno);
    }
    return removed;
}

[[noreturn]] void throw_exists(const Split& target, int folder, bool folds_case) {
    const std::string path = base::excerpt(joined(target.folder, target.name), 200);
    if (folds_case && !lists_name(folder, target.name))
        throw Error(Code::exists, "'" + path + "' differs only in case from a file that is there");
    throw Error(Code::exists, "'" + path + "' is there already");
}

}  // namespace

Staging::Staging(const Root& root, const std::string& target)
    : root_(root), target_(split_path(target)) {
    check_relative(target);
    root.check_alive();
    folder_ = root.open_folder(target_.folder, Root::Missing::create);
    if (there(folder_.get(), target_.name)) throw_exists(target_, folder_.get(), root.folds_case());
    name_ = random_name(new_prefix);
    path_ = joined(target_.folder, name_);
    file_ = Fd(openat(folder_.get(), name_.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file_) throw system_error("cannot create", target, errno);
}

Staging::~Staging() {
    if (installed_ || !folder_) return;
    unlinkat(folder_.get(), name_.c_str(), 0);
    for (const std::string_view suffix : sidecars) {
        char sidecar[64];  // no allocation: this runs for want of memory, too
        std::snprintf(sidecar, sizeof sidecar, "%s%.*s", name_.c_str(),
                      static_cast<int>(suffix.size()), suffix.data());
        unlinkat(folder_.get(), sidecar, 0);
    }
}

void Staging::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            throw system_error("cannot write", joined(target_.folder, target_.name), errno);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void Staging::install(const base::Wait& wait) {
    if (fsync(file_.get()) != 0) throw system_error("cannot sync", path_, errno);
    // Before it has the tenant's name: closing a descriptor drops every lock that this process
    // holds on the file, and from then on another thread may have it open.
    file_ = Fd();
    {
        const Fd lock = root_.lock(wait);
        if (there(folder_.get(), target_.name))
            throw_exists(target_, folder_.get(), root_.folds_case());
        // A log that an older file of that name left behind must be gone for good before a new file
        // meets it.
        if (remove_sidecars(folder_.get(), target_.name))
            sync_folder(folder_.get(), target_.folder);
        rename_new();
    }
    sync_folder(folder_.get(), target_.folder);
}

void Staging::rename_new() {
    const int folder = folder_.get();
    if (renameat2(folder, name_.c_str(), folder, target_.name.c_str(), RENAME_NOREPLACE) == 0) {
        installed_ = true;
        return;
    }
    if (errno == EEXIST) throw_exists(target_, folder, root_.folds_case());
    if (errno != EINVAL && errno != ENOSYS) throw system_error("cannot name", target_.name, errno);
    // A file system that cannot rename without replacing: link refuses an existing name, too.
    if (linkat(folder, name_.c_str(), folder, target_.name.c_str(), 0) != 0) {
        if (errno == EEXIST) throw_exists(target_, folder, root_.folds_case());
        throw system_error("cannot name", target_.name, errno);
    }
    unlinkat(folder, name_.c_str(), 0);
    installed_ = true;
}

void remove_place(const Root& root, const std::string& target, const base::Wait& wait) {
    const Split at = split_path(target);
    const Fd lock = root.lock(wait);
    if (!root.find(target))
        throw Error(Code::tenant_unknown, "there is no '" + base::excerpt(target, 200) + "'");
    const Fd folder = root.open_folder(at.folder, Root::Missing::keep);
    if (!folder)
        throw Error(Code::tenant_unknown, "there is no '" + base::excerpt(target, 200) + "'");
    // The database goes first: its log without it means nothing, while it without its log would be
    // an older state of itself.
    const std::string dropped = random_name(dropped_prefix);
    if (renameat(folder.get(), at.name.c_str(), folder.get(), dropped.c_str()) != 0)
        throw system_error("cannot remove", target, errno);
    sync_folder(folder.get(), at.folder);
    remove_sidecars(folder.get(), at.name);
    if (unlinkat(folder.get(), dropped.c_str(), 0) != 0 && errno != ENOENT)
        throw system_error("cannot remove", target, errno);
    sync_folder(folder.get(), at.folder);
}

void sweep_leftovers(int folder, time_t now) noexcept {
    constexpr time_t age_min = 24 * 60 * 60;  // seconds
    Fd own(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(own ? fdopendir(own.get()) : nullptr,
                                                      &closedir);
    if (!entries) return;
    own.release();
    while (const dirent* entry = readdir(entries.get())) {
        const std::string_view name = entry->d_name;
        if (!name.starts_with(new_prefix) && !name.starts_with(dropped_prefix)) continue;
        struct stat info {};
        if (fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        // The time of the last change of the inode: no program sets it back.
        if (now - info.st_ctime > age_min) unlinkat(folder, entry->d_name, 0);
    }
}

}  // namespace mtdb::backends::sqlite
