// SPDX-License-Identifier: MIT
#include "memory.hpp"

#include "vfs.hpp"

#include <sqlite3.h>

#include <cstdlib>
#include <new>

namespace casasync_test {
namespace {

unsigned elsewhere = 0;  ///< others_memory that live

struct heap_plan {
    std::uint64_t at = 0;  ///< 0: none fails
    bool sticky = false;
    std::uint64_t calls = 0;
    bool failed = false;

    [[nodiscard]] bool fails() noexcept {
        if (at == 0 || elsewhere > 0 || inside_vfs()) return false;
        ++calls;
        if (calls != at && !(sticky && calls > at)) return false;
        return failed = true;
    }
};
heap_plan plans[2];
std::int64_t pieces = 0, pieces_of_sqlite = 0;
sqlite3_mem_methods usual;

heap_plan& plan_of(heap which) noexcept {
    return plans[static_cast<unsigned>(which)];
}

void* take(int size) {
    if (plan_of(heap::of_sqlite).fails()) return nullptr;
    void* const out = usual.xMalloc(size);
    pieces_of_sqlite += out != nullptr ? 1 : 0;
    return out;
}
void give_back(void* piece) {
    --pieces_of_sqlite;
    usual.xFree(piece);
}
void* take_other(void* old, int size) {
    return plan_of(heap::of_sqlite).fails() ? nullptr : usual.xRealloc(old, size);
}

}  // namespace

void install_heap() {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    sqlite3_mem_methods ours = usual;
    ours.xMalloc = take;
    ours.xFree = give_back;
    ours.xRealloc = take_other;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);  // small pieces come from us as well
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);     // and are counted by us
}

void plan_allocations(heap which, std::uint64_t at, bool sticky) noexcept {
    plan_of(which) = {at, sticky, 0, false};
}

others_memory::others_memory() noexcept {
    ++elsewhere;
}
others_memory::~others_memory() {
    --elsewhere;
}

heap_report repair_heap() noexcept {
    heap_report out;
    for (heap_plan& p : plans) {
        out.calls += p.calls;
        out.failed = out.failed || p.failed;
        p = {};
    }
    return out;
}

heap_use memory_held() noexcept {
    return {pieces_of_sqlite, pieces};
}

}  // namespace casasync_test

void* operator new(std::size_t size) {
    if (casasync_test::plan_of(casasync_test::heap::of_new).fails()) throw std::bad_alloc();
    if (void* out = std::malloc(size == 0 ? 1 : size)) return ++casasync_test::pieces, out;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
    if (p != nullptr) --casasync_test::pieces;
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    operator delete(p);
}
