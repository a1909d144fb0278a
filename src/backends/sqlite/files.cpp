// SPDX-License-Identifier: MIT
#include "backends/sqlite/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <utility>

#include "backends/sqlite/errors.hpp"
#include "base/text.hpp"

namespace mtdb::backends::sqlite {

namespace {

Identity identity_of(const struct stat& info) noexcept { return {info.st_dev, info.st_ino}; }

std::string shown(std::string_view path) { return base::excerpt(path, 200); }

// Throws for everything but a regular file with one name.
void check_kind(const struct stat& info, std::string_view path) {
    const auto refuse = [&](const char* what) {
        throw Error(Code::permission, "'" + shown(path) + "' " + what + " and is not opened");
    };
    if (S_ISLNK(info.st_mode)) refuse("is a symbolic link");
    if (!S_ISREG(info.st_mode)) refuse("is no regular file");
    if (info.st_nlink > 1) refuse("has a second hard link");
}

// Case-folding file systems by their magic number; ext4 and f2fs fold by folder, by a flag.
bool may_fold_case(int folder) noexcept {
    int flags = 0;
    constexpr int casefold_flag = 0x40000000;  // FS_CASEFOLD_FL
    if (ioctl(folder, FS_IOC_GETFLAGS, &flags) == 0 && (flags & casefold_flag) != 0) return true;
    struct statfs info {};
    if (fstatfs(folder, &info) != 0) return false;
    constexpr std::array<uint32_t, 8> magics{
        0x4d44,                  // vfat
        0x2011bab0,              // exfat
        0x5346544e, 0x7366746e,  // ntfs, ntfs3
        0xff534d42, 0xfe534d42,  // cifs, smb2
        0x482b,     0x6a656a63,  // hfs+, shared folders of some hypervisors
    };
    return std::ranges::find(magics, static_cast<uint32_t>(info.f_type)) != magics.end();
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        close();
        number_ = other.release();
    }
    return *this;
}

int Fd::release() noexcept { return std::exchange(number_, -1); }

void Fd::close() noexcept {
    if (number_ >= 0) ::close(release());
}

int open_by_component(int folder, const std::string& path, int flags, mode_t mode) noexcept {
    Fd step;
    int at = folder;
    for (std::size_t begin = 0;;) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        char part[NAME_MAX + 1];
        const std::size_t size = end - begin;
        if (size > NAME_MAX) return errno = ENAMETOOLONG, -1;
        path.copy(part, size, begin);
        part[size] = '\0';
        if (std::string_view(part) == "..") return errno = EXDEV, -1;
        if (end == path.size()) return openat(at, part, flags | O_NOFOLLOW | O_CLOEXEC, mode);
        Fd next(openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) {
            const int failed = errno;
            struct stat info {};
            const bool link =
                fstatat(at, part, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
            return errno = link ? ELOOP : failed, -1;
        }
        step = std::move(next);
        at = step.get();
        begin = end + 1;
    }
}

int open_beneath(int folder, const std::string& path, int flags, mode_t mode) noexcept {
    open_how how{};
    how.flags = static_cast<uint64_t>(static_cast<unsigned>(flags | O_NOFOLLOW | O_CLOEXEC));
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    constexpr int attempts_max = 64;  // EAGAIN: something was renamed meanwhile
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const long fd = syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
        if (fd >= 0) return static_cast<int>(fd);
        if (errno == EAGAIN || errno == EINTR) continue;
        // EPERM is also what a sandbox answers to a call that it does not know.
        if (errno == ENOSYS || errno == EPERM) break;
        return -1;
    }
    return open_by_component(folder, path, flags, mode);
}

bool reserved_name(std::string_view name) noexcept {
    if (name.empty() || name.front() == '.') return true;
    return std::ranges::any_of(sidecars,
                               [&](std::string_view suffix) { return name.ends_with(suffix); });
}

void check_relative(std::string_view path) {
    const auto refuse = [&](Code code, const char* why) {
        throw Error(code, "path '" + shown(path) + "' " + why);
    };
    if (path.empty()) refuse(Code::invalid_argument, "is empty");
    if (path.find('\0') != path.npos) refuse(Code::invalid_argument, "holds a NUL byte");
    if (path.front() == '/') refuse(Code::permission, "leaves the folder of the tenants");
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view part = path.substr(begin, end - begin);
        if (part == "..") refuse(Code::permission, "leaves the folder of the tenants");
        if (part.size() > NAME_MAX) refuse(Code::limit, "has a name that is too long");
        if (reserved_name(part)) refuse(Code::invalid_argument, "has a reserved name");
        begin = end + 1;
    }
}

Split split_path(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == path.npos) return {"", std::string(path)};
    return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

Root Root::resolve(const std::string& folder) {
    if (folder.empty())
        throw Error(Code::invalid_argument, "the folder of the tenants has no name");
    const std::unique_ptr<char, decltype(&std::free)> real(realpath(folder.c_str(), nullptr),
                                                           &std::free);
    if (!real) throw system_error("cannot open folder", folder, errno);
    Root root;
    root.path_ = real.get();
    root.folder_ = Fd(open(real.get(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.folder_) {
        if (errno == ENOTDIR) throw Error(Code::not_found, "'" + shown(folder) + "' is no folder");
        throw system_error("cannot open folder", folder, errno);
    }
    struct stat info {};
    if (fstat(root.fd(), &info) != 0) throw system_error("cannot look at folder", folder, errno);
    root.identity_ = identity_of(info);
    root.folds_case_ = may_fold_case(root.fd());
    return root;
}

std::string Root::full(std::string_view relative) const {
    std::string out;
    out.reserve(path_.size() + 1 + relative.size());
    out += path_;
    if (out.back() != '/') out += '/';
    out += relative;
    return out;
}

void Root::check_alive() const {
    struct stat info {};
    if (stat(path_.c_str(), &info) == 0 && identity_of(info) == identity_) return;
    throw Error(Code::unavailable, "the folder '" + shown(path_) + "' is gone");
}

std::optional<Found> Root::find(const std::string& relative) const {
    check_relative(relative);
    Fd handle(open_beneath(fd(), relative, O_PATH));
    if (!handle) {
        const int failed = errno;
        if (failed == ENOENT || failed == ENOTDIR) {
            check_alive();
            return std::nullopt;
        }
        if (failed == ELOOP)
            throw Error(Code::permission, "'" + shown(relative) +
                                              "' leads through a symbolic link and is not opened");
        if (failed == EXDEV)
            throw Error(Code::permission,
                        "path '" + shown(relative) + "' leaves the folder of the tenants");
        throw system_error("cannot open", relative, failed);
    }
    struct stat info {};
    if (fstat(handle.get(), &info) != 0) throw system_error("cannot look at", relative, errno);
    check_kind(info, relative);
    if (folds_case_) {
        const Split at = split_path(relative);
        const Fd folder = open_folder(at.folder, Missing::keep);
        if (!folder || !lists_name(folder.get(), at.name)) return std::nullopt;
    }
    return Found{std::move(handle), identity_of(info), info.st_size};
}

Found Root::look(const std::string& relative) const {
    auto found = find(relative);
    if (!found) throw Error(Code::tenant_unknown, "there is no '" + shown(relative) + "'");
    if (found->size == 0)
        throw Error(Code::corrupt, "'" + shown(relative) + "' is empty, not a database");
    check_sidecars(relative);
    return std::move(*found);
}

void Root::check_sidecars(const std::string& relative) const {
    // SQLite follows links when it opens these, so they are looked at as closely as the file
    // itself.
    std::string name = relative;
    for (const std::string_view suffix : sidecars) {
        name.resize(relative.size());
        name += suffix;
        struct stat info {};
        if (fstatat(fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        // A last connection that closes unlinks its log: no name left is as good as none.
        if (S_ISREG(info.st_mode) && info.st_nlink == 0) continue;
        check_kind(info, name);
    }
}

void Root::confirm(const std::string& relative, const Found& found) const {
    struct stat info {};
    const bool same = fstatat(fd(), relative.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISREG(info.st_mode) && identity_of(info) == found.identity;
    if (same) return;
    check_alive();
    throw Error(Code::permission, "'" + shown(relative) + "' was replaced while it was opened");
}

Fd Root::open_folder(const std::string& relative, Missing missing) const {
    Fd folder(open_beneath(fd(), relative.empty() ? "." : relative, O_RDONLY | O_DIRECTORY));
    if (folder && (missing == Missing::keep || relative.empty())) return folder;
    if (!folder && errno != ENOENT) {
        if (errno == ELOOP || errno == ENOTDIR)
            throw Error(Code::permission, "'" + shown(relative) + "' is no folder of its own");
        throw system_error("cannot open folder", relative, errno);
    }
    if (missing == Missing::keep) return folder;
    Fd parent = open_folder(split_path(relative).folder, Missing::create);
    const std::string name = split_path(relative).name;
    if (!folder && mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
        throw system_error("cannot make folder", relative, errno);
    // Also when it was there: whoever made it may not have come this far yet. Nothing to write
    // costs next to nothing.
    sync_folder(parent.get(), relative);
    if (!folder) folder = Fd(open_beneath(fd(), relative, O_RDONLY | O_DIRECTORY));
    if (!folder) throw system_error("cannot open folder", relative, errno);
    return folder;
}

Fd Root::lock(const base::Wait& wait) const {
    // A description of its own: flock tells descriptions apart, not threads.
    Fd own(openat(fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) throw system_error("cannot open folder", path_, errno);
    base::milliseconds pause{1};
    constexpr base::milliseconds pause_max{10};
    while (flock(own.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) throw system_error("cannot lock folder", path_, errno);
        wait.check("the lock of the tenants' folder");
        wait.pause(pause);
        pause = std::min(pause * 2, pause_max);
    }
    return own;
}

bool lists_name(int folder, const std::string& name) {
    Fd own(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(own ? fdopendir(own.get()) : nullptr,
                                                      &closedir);
    if (!entries) throw system_error("cannot list the folder of", name, errno);
    own.release();
    while (const dirent* entry = readdir(entries.get()))
        if (name == entry->d_name) return true;
    return false;
}

void sync_folder(int folder, std::string_view name) {
    if (fsync(folder) != 0 && errno != EINVAL && errno != EROFS)
        throw system_error("cannot sync folder", name, errno);
}

}  // namespace mtdb::backends::sqlite
