// SPDX-License-Identifier: MIT
// A file with a write-ahead log is opened as if it had none: its header is shown so. That is right while the log is
// empty and nobody writes it back, which the log's absence and the file's time of change say, before and after. The
// file is otherwise opened and locked as SQLite does it: a descriptor of our own would, when closed, take away the
// locks of everybody else in the process.
#include "backends/sqlite/glance.hpp"

#include <fcntl.h>
#include <time.h>

#include <utility>

#include "backends/sqlite/errors.hpp"

namespace mtdb::backends::sqlite {
namespace {

// Younger than this, and a change after it might not show: clocks of file systems tick slowly.
constexpr int64_t settled_s = 3;

constexpr const char* vfs_name = "mtdb-glance";
constexpr int logged = 2;  // bytes 18 and 19 of a header
constexpr sqlite3_int64 version_at = 18;

struct File {
    sqlite3_file base;
    bool logs;
    bool main;
};
// SQLite's own, which stands behind it.
sqlite3_file* behind(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1); }

int on_close(sqlite3_file* file) { return behind(file)->pMethods->xClose(behind(file)); }
int on_read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
    const int result = behind(file)->pMethods->xRead(behind(file), bytes, size, offset);
    File& self = *reinterpret_cast<File*>(file);
    if (result != SQLITE_OK || !self.main || offset > version_at || offset + size < version_at + 2) return result;
    auto* const versions = static_cast<unsigned char*>(bytes) + (version_at - offset);
    self.logs = self.logs || versions[1] == logged;
    if (self.logs) versions[0] = versions[1] = 1;
    return result;
}
int on_write(sqlite3_file*, const void*, int, sqlite3_int64) { return SQLITE_READONLY; }
int on_truncate(sqlite3_file*, sqlite3_int64) { return SQLITE_READONLY; }
int on_sync(sqlite3_file*, int) { return SQLITE_OK; }
int on_size(sqlite3_file* file, sqlite3_int64* size) {
    return behind(file)->pMethods->xFileSize(behind(file), size);
}
int on_lock(sqlite3_file* file, int level) { return behind(file)->pMethods->xLock(behind(file), level); }
int on_unlock(sqlite3_file* file, int level) { return behind(file)->pMethods->xUnlock(behind(file), level); }
int on_reserved(sqlite3_file* file, int* out) { return behind(file)->pMethods->xCheckReservedLock(behind(file), out); }
int on_control(sqlite3_file* file, int op, void* argument) {
    return behind(file)->pMethods->xFileControl(behind(file), op, argument);
}
int on_sector(sqlite3_file* file) { return behind(file)->pMethods->xSectorSize(behind(file)); }
int on_device(sqlite3_file* file) { return behind(file)->pMethods->xDeviceCharacteristics(behind(file)); }

// The first version has no shared memory: SQLite cannot open a log through it.
constexpr sqlite3_io_methods methods{
    .iVersion = 1,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_device,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int on_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* const real = static_cast<sqlite3_vfs*>(vfs->pAppData);
    File& self = *reinterpret_cast<File*>(file);
    self.logs = false;
    self.main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    const int result = real->xOpen(real, name, behind(file), flags, out);
    self.base.pMethods = behind(file)->pMethods != nullptr ? &methods : nullptr;
    return result;
}

// Made once, and never taken out again.
const char* registered() {
    static sqlite3_vfs vfs = [] {
        sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
        if (real == nullptr) throw Error(Code::internal, "sqlite has no file system");
        sqlite3_vfs made = *real;  // every other function is the real one's, and asks nothing of its own file
        made.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
        made.zName = vfs_name;
        made.pAppData = real;
        made.xOpen = on_open;
        made.pNext = nullptr;
        return made;
    }();
    static const int result = sqlite3_vfs_register(&vfs, 0);
    if (result != SQLITE_OK) throw Error(Code::internal, "sqlite takes no file system");
    return vfs_name;
}

bool same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

bool settled(const struct stat& file) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return file.st_mtim.tv_sec + settled_s < now.tv_sec;
}

std::shared_ptr<const Config> reading(const Config& config) {
    auto made = std::make_shared<Config>(config);
    made->synchronous.clear();
    made->full = false;
    return made;
}

}  // namespace

Glance::State Glance::look(const Root& root, const std::string& path) {
    State state;
    if (fstatat(root.fd(), path.c_str(), &state.file, AT_SYMLINK_NOFOLLOW) != 0) return state;
    struct stat log {};
    state.quiet = fstatat(root.fd(), (path + "-wal").c_str(), &log, AT_SYMLINK_NOFOLLOW) != 0 || log.st_size == 0;
    return state;
}

std::unique_ptr<Glance> Glance::at(const Root& root, const std::string& path,
                                   const std::shared_ptr<const Config>& config, const Wait& wait) {
    const State before = look(root, path);
    if (!before.quiet || (config->write_ahead_log && !settled(before.file))) return nullptr;
    const Found found = root.look(path);
    std::unique_ptr<Glance> glance(new Glance(root, path, before));
    Handle handle(root.full(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, Storage::file, registered());
    root.confirm(path, found);
    // One lock for all that is read.
    if (const int result = sqlite3_exec(handle.get(), "BEGIN", nullptr, nullptr, nullptr); result != SQLITE_OK)
        throw engine_error(handle.get(), result);
    sqlite3* const db = handle.get();
    glance->connection_ =
        std::make_unique<Connection>(std::move(handle), reading(*config), path, std::nullopt, wait);
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    glance->logs_ = file == nullptr || reinterpret_cast<const File*>(file)->logs;
    if (glance->logs_ && !settled(before.file)) return nullptr;
    return glance;
}

// Without a log, readers and writers exclude each other by SQLite's locks.
bool Glance::held() {
    if (!connection_->in_place()) return false;
    if (!logs_) return true;
    const State now = look(root_, path_);
    return now.quiet && same(now.file, before_.file);
}

}  // namespace mtdb::backends::sqlite
