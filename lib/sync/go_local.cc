// SPDX-License-Identifier: BSL-1.0
// go_local: a table of values per goroutine, indexed by the number of the variable.
// Called by / on: the goroutine itself; destroy_locals() at its end, on its own stack.
// Invariants: 1 A table is touched by its goroutine only, so there is no lock. 2 kHasLocals is set exactly while G::locals is not null.
#include "gossamer/go_local.h"

#include <utility>
#include <vector>

#include "runtime/base/atomic.h"
#include "runtime/base/fatal.h"
#include "runtime/sched/current.h"
#include "runtime/sched/sched.h"

namespace gossamer::rt {

namespace {

struct local {
    void* value = nullptr;
    void (*destroy)(void*) = nullptr;
    uint32_t older = 0;  // the slot that was made before it; 0 ends
};

struct local_table {
    std::vector<local> slots;
    uint32_t youngest = 0;
};

atomic<uint32_t> slots_given{0};

// The youngest first; a destructor may make new ones, which are then the youngest.
void destroy_locals(G* g) {
    while (auto* table = static_cast<local_table*>(g->locals)) {
        if (table->youngest == 0) {
            g->locals = nullptr;
            g->flags.store(uint8_t(g->flags.load(relaxed) & ~kHasLocals), relaxed);  // own; pairs with nothing
            delete table;
            return;
        }
        local& last = table->slots[table->youngest];
        table->youngest = last.older;
        local gone = std::exchange(last, local{});
        gone.destroy(gone.value);
    }
}

}  // namespace

uint32_t local_slot(atomic<uint32_t>& word) {
    uint32_t mine = slots_given.fetch_add(1) + 1;
    uint32_t none = 0;
    set_locals_destructor(destroy_locals);
    return word.compare_exchange_strong(none, mine) ? mine : none;
}

void* find_local(uint32_t slot) noexcept {
    in_runtime scope;
    auto* table = static_cast<local_table*>(current_g()->locals);
    if (table == nullptr || slot >= table->slots.size()) return nullptr;
    return table->slots[slot].value;
}

void add_local(uint32_t slot, void* value, void (*destroy)(void*)) {
    G* g;
    {
        in_runtime scope;
        g = current_g();
    }
    auto* table = static_cast<local_table*>(g->locals);
    if (table == nullptr) {
        table = new local_table;
        g->locals = table;
        g->flags.store(uint8_t(g->flags.load(relaxed) | kHasLocals), relaxed);  // own; pairs with nothing
    }
    if (slot >= table->slots.size()) table->slots.resize(slot + 1);
    table->slots[slot] = local{value, destroy, table->youngest};
    table->youngest = slot;
}

}  // namespace gossamer::rt
