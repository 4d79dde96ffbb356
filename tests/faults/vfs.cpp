// SPDX-License-Identifier: MIT
#include "vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <utility>

namespace casasync_test {
namespace {

constexpr std::int64_t julian_epoch_ms = 210866760000000;  // 1970-01-01 in milliseconds of the Julian day

int depth = 0;

/// Lives while SQLite is in here.
struct visit {
    visit() noexcept { ++depth; }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit() { --depth; }
};

struct door {
    std::map<std::string, disk*> disks;
    dice random{1};
    casasync::unix_ms now = 1'800'000'000'000;
};
door& the_door() {
    static door d;
    return d;
}

/// What SQLite holds of an open file: it gives the memory, we make and destroy what is in it.
struct vfs_file {
    sqlite3_file base;
    disk_handle* handle;
};
disk_handle& handle_of(sqlite3_file* f) {
    return *reinterpret_cast<vfs_file*>(f)->handle;
}

/// Returns the result code for a call's fate: SQLITE_OK when nothing is in its way.
int meet(const disk_handle& h, disk_call c, int io_error) {
    if (h.home == nullptr) return SQLITE_OK;
    if (h.epoch != h.home->epoch()) return io_error;
    switch (h.home->meet(c)) {
        case fault::none:
            return SQLITE_OK;
        case fault::disk_full:
            return SQLITE_FULL;
        case fault::power_loss:
        case fault::io_error:
            break;
    }
    return io_error;
}

void put(disk_file& f, disk_change change) {
    perform(f.now, change);
    f.unsynced.push_back(std::move(change));
}

int close_file(sqlite3_file* file) {
    const visit here;
    disk_handle& h = handle_of(file);
    std::erase(h.file->open, &h);
    if (h.file->open.empty()) h.file->shared_memory.clear();
    if (h.remove_at_close && h.home != nullptr && h.epoch == h.home->epoch()) h.home->remove(h.name, false);
    delete &h;
    return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    const visit here;
    const disk_handle& h = handle_of(file);
    if (const int rc = meet(h, disk_call::read, SQLITE_IOERR_READ); rc != SQLITE_OK) return rc;
    const casasync::bytes& content = h.file->now;
    const auto first = std::min(static_cast<std::size_t>(offset), content.size());
    const auto n = std::min(static_cast<std::size_t>(size), content.size() - first);
    auto* bytes = static_cast<std::uint8_t*>(out);
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(first), n, bytes);
    std::fill(bytes + n, bytes + size, std::uint8_t{0});
    return n == static_cast<std::size_t>(size) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/// A write that fails leaves its first half behind.
int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    const visit here;
    const disk_handle& h = handle_of(file);
    const int rc = meet(h, disk_call::write, SQLITE_IOERR_WRITE);
    if (h.home != nullptr && h.epoch != h.home->epoch()) return rc;
    const auto* first = static_cast<const std::uint8_t*>(data);
    put(*h.file, {static_cast<std::uint64_t>(offset), {first, first + (rc == SQLITE_OK ? size : size / 2)}});
    return rc;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    const visit here;
    const disk_handle& h = handle_of(file);
    if (const int rc = meet(h, disk_call::truncate, SQLITE_IOERR_TRUNCATE); rc != SQLITE_OK) return rc;
    put(*h.file, {static_cast<std::uint64_t>(size), {}, true});
    return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
    const visit here;
    const disk_handle& h = handle_of(file);
    if (const int rc = meet(h, disk_call::sync, SQLITE_IOERR_FSYNC); rc != SQLITE_OK) return rc;
    if (h.home != nullptr) h.home->sync(h.name, *h.file);
    return SQLITE_OK;
}

int size_file(sqlite3_file* file, sqlite3_int64* size) {
    const visit here;
    const disk_handle& h = handle_of(file);
    if (const int rc = meet(h, disk_call::size, SQLITE_IOERR_FSTAT); rc != SQLITE_OK) return rc;
    *size = static_cast<sqlite3_int64>(h.file->now.size());
    return SQLITE_OK;
}

/// True when another handle of the file holds `level` or more.
bool other_holds(const disk_handle& h, int level) {
    return std::any_of(h.file->open.begin(), h.file->open.end(),
                       [&](const disk_handle* o) { return o != &h && o->lock_level >= level; });
}

int lock_file(sqlite3_file* file, int level) {
    const visit here;
    disk_handle& h = handle_of(file);
    if (const int rc = meet(h, disk_call::lock, SQLITE_IOERR_LOCK); rc != SQLITE_OK) return rc;
    if (h.lock_level >= level) return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED && other_holds(h, SQLITE_LOCK_PENDING)) return SQLITE_BUSY;
    if (level >= SQLITE_LOCK_RESERVED && other_holds(h, SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && other_holds(h, SQLITE_LOCK_SHARED)) {
        h.lock_level = SQLITE_LOCK_PENDING;
        return SQLITE_BUSY;
    }
    h.lock_level = level;
    return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int level) {
    disk_handle& h = handle_of(file);
    h.lock_level = std::min(h.lock_level, level);
    return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* out) {
    const visit here;
    disk_handle& h = handle_of(file);
    if (const int rc = meet(h, disk_call::lock, SQLITE_IOERR_CHECKRESERVEDLOCK); rc != SQLITE_OK) return rc;
    *out = other_holds(h, SQLITE_LOCK_RESERVED) || h.lock_level >= SQLITE_LOCK_RESERVED ? 1 : 0;
    return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
    return 512;
}
int device_characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    const visit here;
    disk_handle& h = handle_of(file);
    *out = nullptr;
    if (const int rc = meet(h, disk_call::shm_map, SQLITE_IOERR_SHMMAP); rc != SQLITE_OK) return rc;
    auto& regions = h.file->shared_memory;
    if (static_cast<std::size_t>(region) >= regions.size() && extend == 0) return SQLITE_OK;
    while (regions.size() <= static_cast<std::size_t>(region))
        regions.push_back(std::make_unique<casasync::bytes>(static_cast<std::size_t>(size)));
    *out = regions[static_cast<std::size_t>(region)]->data();
    return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
    const visit here;
    disk_handle& h = handle_of(file);
    const std::uint32_t mask = ((std::uint32_t{1} << n) - 1) << offset;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        h.shm_shared &= ~mask;
        h.shm_exclusive &= ~mask;
        return SQLITE_OK;
    }
    if (const int rc = meet(h, disk_call::shm_lock, SQLITE_IOERR_SHMLOCK); rc != SQLITE_OK) return rc;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (const disk_handle* o : h.file->open)
        if (o != &h && ((o->shm_exclusive | (exclusive ? o->shm_shared : 0)) & mask) != 0) return SQLITE_BUSY;
    (exclusive ? h.shm_exclusive : h.shm_shared) |= mask;
    return SQLITE_OK;
}

void shm_barrier(sqlite3_file*) {}

int shm_unmap(sqlite3_file* file, int) {
    disk_handle& h = handle_of(file);
    h.shm_shared = h.shm_exclusive = 0;
    return SQLITE_OK;
}

const sqlite3_io_methods methods = {
    2,
    close_file,
    read_file,
    write_file,
    truncate_file,
    sync_file,
    size_file,
    lock_file,
    unlock_file,
    check_reserved,
    control_file,
    sector_size,
    device_characteristics,
    shm_map,
    shm_lock,
    shm_barrier,
    shm_unmap,
    nullptr,
    nullptr,
};

/// Returns the disk and the name on it; no disk for a temporary file or a disk nobody mounted.
std::pair<disk*, std::string> place_of(const char* path) {
    const std::string whole = path == nullptr ? "" : path;
    const auto slash = whole.find('/');
    const auto it = the_door().disks.find(whole.substr(0, slash));
    if (slash == std::string::npos || it == the_door().disks.end()) return {nullptr, {}};
    return {it->second, whole.substr(slash + 1)};
}

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* out, int flags, int* flags_out) {
    const visit here;
    out->pMethods = nullptr;
    auto [home, name] = place_of(path);
    if (path != nullptr && home == nullptr) return SQLITE_CANTOPEN;
    auto h = std::make_unique<disk_handle>();
    h->home = home;
    h->name = name;
    if (home == nullptr) {
        h->file = std::make_shared<disk_file>();
    } else {
        h->epoch = home->epoch();
        if (const int rc = meet(*h, disk_call::open, SQLITE_CANTOPEN); rc != SQLITE_OK) return rc;
        h->file = home->find(name);
        if (!h->file && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
        if (!h->file) h->file = home->make(name);
    }
    h->remove_at_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    h->file->open.push_back(h.get());
    auto* file = reinterpret_cast<vfs_file*>(out);
    file->handle = h.release();
    file->base.pMethods = &methods;
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* path, int sync_folder) {
    const visit here;
    const auto [home, name] = place_of(path);
    if (home == nullptr) return SQLITE_IOERR_DELETE;
    if (home->meet(disk_call::remove) != fault::none) return SQLITE_IOERR_DELETE;
    if (!home->find(name)) return SQLITE_IOERR_DELETE_NOENT;
    home->remove(name, sync_folder != 0);
    return SQLITE_OK;
}

int access_file(sqlite3_vfs*, const char* path, int flags, int* out) {
    const visit here;
    const auto [home, name] = place_of(path);
    *out = 0;
    if (home == nullptr) return SQLITE_OK;
    if (home->meet(disk_call::exists) != fault::none) return SQLITE_IOERR_ACCESS;
    const auto f = home->find(name);
    *out = f && (flags != SQLITE_ACCESS_EXISTS || !f->now.empty()) ? 1 : 0;
    return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* path, int size, char* out) {
    if (std::strlen(path) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::strcpy(out, path);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int size, char* out) {
    std::generate_n(out, size, [] { return static_cast<char>(the_door().random.next()); });
    return size;
}
int pause(sqlite3_vfs*, int microseconds) {
    return microseconds;
}
int time_in_ms(sqlite3_vfs*, sqlite3_int64* out) {
    *out = the_door().now + julian_epoch_ms;
    return SQLITE_OK;
}
int time_in_days(sqlite3_vfs*, double* out) {
    *out = static_cast<double>(the_door().now + julian_epoch_ms) / 86'400'000.0;
    return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

sqlite3_vfs make_vfs() {
    sqlite3_vfs v{};
    v.iVersion = 2;
    v.szOsFile = sizeof(vfs_file);
    v.mxPathname = 512;
    v.zName = "casasync_memory";
    v.xOpen = open_file;
    v.xDelete = delete_file;
    v.xAccess = access_file;
    v.xFullPathname = full_name;
    v.xRandomness = randomness;
    v.xSleep = pause;
    v.xCurrentTime = time_in_days;
    v.xGetLastError = last_error;
    v.xCurrentTimeInt64 = time_in_ms;
    return v;
}

}  // namespace

bool inside_vfs() noexcept {
    return depth > 0;
}

void install_vfs() {
    static sqlite3_vfs vfs = make_vfs();
    static const int registered = (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD), sqlite3_vfs_register(&vfs, 1));
    static_cast<void>(registered);
}

mounted_disk::mounted_disk(std::string name, disk& d) : name_(std::move(name)) {
    the_door().disks[name_] = &d;
}
mounted_disk::~mounted_disk() {
    the_door().disks.erase(name_);
}

void set_vfs_time(casasync::unix_ms now) noexcept {
    the_door().now = now;
}
casasync::unix_ms vfs_time() noexcept {
    return the_door().now;
}

void seed_vfs(std::uint64_t seed) {
    install_vfs();
    the_door().random = dice(seed);
    sqlite3_randomness(0, nullptr);  // SQLite forgets what it had drawn
}

}  // namespace casasync_test
