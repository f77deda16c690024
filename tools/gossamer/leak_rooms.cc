// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/leak_rooms.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "runtime/base/wait_reason.h"

namespace insp {

using gossamer::rt::wait_reason;

namespace {

constexpr uint64_t kMostStack = 8 << 20;  // of a room; a deeper goroutine counts as awake
constexpr uint64_t kClosureBytes = 64;
constexpr size_t kMostKept = 32 << 20;  // words: a quarter of a gigabyte

uint64_t filter_bit(uint64_t address) { return (address * 0x9E3779B97F4A7C15u) >> 44; }

// What is about to happen, or happens by itself.
bool wakes_by_itself(const channel_facts& c, uint8_t reason) {
    if (c.is_timer.value_or(true) || c.closed.value_or(true)) return true;
    if (!c.count || !c.capacity) return true;
    if (wait_reason(reason) == wait_reason::chan_receive) return *c.count != 0;
    if (wait_reason(reason) == wait_reason::chan_send) return *c.count < *c.capacity;
    return false;
}

}  // namespace

bool may_leak(const goroutine& g) {
    if (g.state != g_state::waiting || g.is_thread || g.is_system) return false;
    // The main goroutine that blocks for ever by its own wish keeps the process alive.
    if (waits_for_ever(g.reason)) return g.id != 1;
    return kind_of_wait(g.reason) != object_kind::none && g.object != 0;
}

leak_rooms::leak_rooms(const target& t, const snapshot& s, const stack_map& stacks, std::vector<uint32_t> candidates)
    : t_(t),
      s_(s),
      stacks_(stacks),
      objects_(t),
      holders_(t, s, stacks),
      memory_cache_(t),
      candidates_(std::move(candidates)),
      memory_(writable_memory(t)),
      gs_(t.regions(box::region_kind::gs)) {
    graph.waiters.resize(candidates_.size());
    rooms_.resize(candidates_.size());
    for (const goroutine& g : s.goroutines) living_.emplace(g.address, g.id);
    for (uint32_t w = 0; w < candidates_.size(); w++) waiter_by_id_.emplace(s_.goroutines[candidates_[w]].id, w);
    for (uint32_t w = 0; w < candidates_.size(); w++) find_room(w);
    for (uint32_t w = 0; w < candidates_.size(); w++) {
        const room& r = rooms_[w];
        for (span one : {span{r.user_low, r.stack.high, w}, span{r.closure.low, r.closure.high, w},
                         span{r.box.low, r.box.high, w}})
            if (one.low < one.high) spans_.push_back(one);
    }
    std::sort(spans_.begin(), spans_.end(), [](const span& a, const span& b) { return a.low < b.low; });
    for (uint32_t w = 0; w < candidates_.size(); w++) add_places(w);
    for (const auto& [address, place] : place_by_address_) {
        uint64_t bit = filter_bit(address);
        filter_[bit / 64] |= uint64_t(1) << bit % 64;
        low_ = std::min(low_, address);
        high_ = std::max(high_, address + 1);
    }
    for (const span& one : spans_) {
        low_ = std::min(low_, one.low);
        high_ = std::max(high_, one.high);
    }
    read_rooms();
}

void leak_rooms::find_room(uint32_t w) {
    const goroutine& g = s_.goroutines[candidates_[w]];
    room& r = rooms_[w];
    const stack_map::range* range = stacks_.of(g.id);
    field closure = t_.find_field("G.closure");
    std::vector<uint64_t> words;
    bool readable = range != nullptr && closure.bytes == kClosureBytes && range->low <= g.context &&
                    g.context < range->high && g.context % 8 == 0 && range->high - g.context <= kMostStack;
    if (readable) words.resize((range->high - g.context) / 8);
    readable = readable && t_.read(g.context, words.data(), words.size() * 8);
    if (!readable) {
        // What it has is not known: it may keep anything alive.
        graph.waiters[w].is_alive = true;
        return;
    }
    r.stack = {g.context, range->high};
    r.closure = {g.address + closure.offset, g.address + closure.offset + closure.bytes};
    find_user_part(r, g, words);
    uint64_t first = 0;
    if (t_.read(r.closure.low, &first, sizeof first)) r.box = boxed_closure(g, first);
    if (kept_ + words.size() > kMostKept) return;
    kept_ += words.size();
    r.words = std::move(words);
}

// Below the return address of the call that waits lie the frames of the runtime, into which its own queues point.
void leak_rooms::find_user_part(room& r, const goroutine& g, const std::vector<uint64_t>& words) {
    r.user_low = r.stack.low;
    auto at = std::find(words.begin(), words.end(), g.site_pc);
    if (g.site_pc != 0 && at != words.end()) r.user_low += uint64_t(at - words.begin() + 1) * 8;
    if (kind_of_wait(g.reason) != object_kind::select) return;
    field n = t_.find_field("select_frame.n"), waiting = t_.find_field("select_frame.waiting");
    field size = t_.find_field("sudog.size");
    uint32_t cases = 0;
    uint64_t first = 0;
    if (!n.there() || !waiting.there() || !t_.read(g.object + n.offset, &cases, sizeof cases) ||
        !t_.read(g.object + waiting.offset, &first, sizeof first) || cases > 65536)
        return;
    for (uint64_t end : {g.object + waiting.offset + 8, first + uint64_t(cases) * size.bytes})
        if (r.stack.low <= end && end <= r.stack.high) r.user_low = std::max(r.user_low, end);
}

// A closure that is too large for the G lies in a block of its own, of which the G has the address. How long it is tells the allocator's header; it is
// believed when those of the next blocks make sense too.
stretch leak_rooms::boxed_closure(const goroutine& g, uint64_t first_word) {
    auto [known, is_new] = boxed_.try_emplace(g.invoke_pc, false);
    if (is_new && g.invoke_pc != 0)
        known->second = t_.describe(g.invoke_pc, false).back().function.find("gossamer::detail::invoke_boxed<") !=
                        std::string::npos;
    if (!known->second || first_word % 16 != 0 || first_word < 16) return {};
    constexpr uint64_t kMostBytes = 1 << 16, kMostChunk = 1 << 28;
    uint64_t at = first_word - 16, bytes = 0;
    for (int i = 0; i < 5; i++) {
        uint64_t header[2];
        if (!memory_cache_.read(at, header, sizeof header)) return {};
        uint64_t size = header[1] & ~uint64_t{7};
        bool before_in_use = (header[1] & 1) != 0;
        if (size % 16 != 0 || size < 32 || size > (i == 0 ? kMostBytes : kMostChunk)) return {};
        if (i == 0) bytes = size - 8;
        if (i == 1 && !before_in_use) return {};
        at += size;
        if (!contains(memory_, at)) break;  // the last block of the heap
    }
    return {first_word, first_word + bytes};
}

uint32_t leak_rooms::place_at(uint64_t address) {
    auto [at, is_new] = place_by_address_.try_emplace(address, uint32_t(graph.places.size()));
    if (is_new) graph.places.emplace_back();
    return at->second;
}

void leak_rooms::add_places(uint32_t w) {
    const goroutine& g = s_.goroutines[candidates_[w]];
    leak_waiter& waiter = graph.waiters[w];
    if (waits_for_ever(g.reason)) return;
    object_kind kind = kind_of_wait(g.reason);
    if (kind == object_kind::channel || kind == object_kind::select) {
        std::vector<uint64_t> cores = kind == object_kind::select ? objects_.select_channels(g) : std::vector{g.object};
        if (cores.empty()) waiter.is_alive = true;  // a select that cannot be read
        for (uint64_t core : cores) {
            uint32_t p = place_at(core);
            channel_facts facts = objects_.channel(core);
            graph.places[p].handles = facts.handles.value_or(0);
            if (wakes_by_itself(facts, g.reason)) graph.places[p].is_alive = true;
            waiter.places.push_back(p);
        }
        return;
    }
    uint32_t p = place_at(g.object);
    waiter.places.push_back(p);
    leak_place& place = graph.places[p];
    auto why = wait_reason(g.reason);
    if (why == wait_reason::mutex_lock || why == wait_reason::rw_mutex_rlock) {
        auto holder = waiter_by_id_.find(holders_.of(g));
        if (holder != waiter_by_id_.end())
            place.holder = holder->second;
        else
            place.is_alive = true;
        return;
    }
    // A wait group, condition or semaphore can be reached by whoever has a pointer to what it lies in: known only for frames.
    place.room = why == wait_reason::rw_mutex_lock ? -1 : room_of(g.object);
    if (place.room < 0) place.is_alive = true;
}

int64_t leak_rooms::place_of(uint64_t word) const {
    uint64_t bit = filter_bit(word);
    if ((filter_[bit / 64] >> bit % 64 & 1) == 0) return -1;
    auto at = place_by_address_.find(word);
    return at != place_by_address_.end() ? int64_t(at->second) : -1;
}

// A pointer to something that holds a handle, or is an object of sync, is aligned like one.
int64_t leak_rooms::room_of(uint64_t word) const {
    if (word % 8 != 0) return -1;
    auto after =
        std::upper_bound(spans_.begin(), spans_.end(), word, [](uint64_t a, const span& s) { return a < s.low; });
    if (after == spans_.begin() || word >= (after - 1)->high) return -1;
    return (after - 1)->room;
}

void leak_rooms::read_rooms() {
    std::vector<uint64_t> words;
    for (uint32_t w = 0; w < rooms_.size(); w++) {
        room& r = rooms_[w];
        note(w, r.words.data(), r.words.size());
        bool is_noted = !std::exchange(r.words, {}).empty();
        for (const stretch& part : {is_noted ? stretch{} : r.stack, r.closure, r.box}) {
            if (part.low >= part.high) continue;
            words.resize((part.high - part.low) / 8);
            if (t_.read(part.low, words.data(), words.size() * 8))
                note(w, words.data(), words.size());
            else
                graph.waiters[w].is_alive = true;
        }
        std::vector<uint32_t>& reaches = graph.waiters[w].reaches;
        std::sort(reaches.begin(), reaches.end());
        reaches.erase(std::unique(reaches.begin(), reaches.end()), reaches.end());
    }
}

void leak_rooms::note(uint32_t w, const uint64_t* words, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t word = words[i];
        if (word < low_ || word >= high_) continue;
        if (int64_t p = place_of(word); p >= 0) graph.waiters[w].mentions.push_back({uint32_t(p), 1});
        if (int64_t r = room_of(word); r >= 0 && r != w) graph.waiters[w].reaches.push_back(uint32_t(r));
    }
}

void leak_rooms::search(const uint64_t* words, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t word = words[i];
        if (word < low_ || word >= high_) continue;
        if (int64_t p = place_of(word); p >= 0) graph.places[size_t(p)].outside = true;
        if (int64_t r = room_of(word); r >= 0) graph.waiters[size_t(r)].outside = true;
    }
}

// The closures of all goroutines but those of the rooms.
bool leak_rooms::search_closures() {
    field closure = t_.find_field("G.closure"), locals = t_.find_field("G.locals");
    if (closure.bytes != kClosureBytes) return false;
    for (const goroutine& g : s_.goroutines) {
        auto at = waiter_by_id_.find(g.id);
        if (g.is_thread || (at != waiter_by_id_.end() && rooms_[at->second].closure.high != 0)) continue;
        uint64_t words[kClosureBytes / 8];
        if (!t_.read(g.address + closure.offset, words, sizeof words)) return false;
        search(words, std::size(words));
        if (locals.there() && t_.read(g.address + locals.offset, words, 8)) search(words, 1);
    }
    return true;
}

// Of the stacks of the others, what is in use; of a goroutine's that is on its stack, or moves, all of it. `in_use`: words by which a stack that is nobody's
// shows itself.
bool leak_rooms::search_stacks(const slabs& all, const std::vector<uint64_t>& in_use, uint64_t* bytes) {
    std::vector<stretch> where;
    uint64_t least = UINT64_MAX;
    for (const goroutine& g : s_.goroutines)
        if (const stack_map::range* r = g.is_thread ? nullptr : stacks_.of(g.id))
            least = std::min(least, r->high - r->low);
    std::vector<stretch> larger;
    for (const goroutine& g : s_.goroutines) {
        const stack_map::range* range = g.is_thread ? nullptr : stacks_.of(g.id);
        if (range == nullptr) continue;
        stretch part{range->low <= g.context && g.context < range->high ? g.context : range->low, range->high};
        // On a larger stack than others it may be for a while only (on_big_stack), with the rest of its frames on another, to which this one points.
        if (range->high - range->low > least) larger.push_back(part);
        auto at = waiter_by_id_.find(g.id);
        if (at == waiter_by_id_.end() || rooms_[at->second].stack.high == 0) where.push_back(part);
    }
    bool failed = false;
    std::vector<stretch> slabs_of_stacks = join(all.stacks);
    auto take = [&](uint64_t, const uint64_t* w, size_t n) {
        for (size_t i = 0; i < n; i++)
            if (contains(slabs_of_stacks, w[i]) && stacks_.find(w[i]) == nullptr) where.push_back(all.stack_at(w[i]));
    };
    take(0, in_use.data(), in_use.size());
    read_words(t_, within(join(std::move(larger)), memory_), take, &failed);
    *bytes += read_words(
        t_, within(join(std::move(where)), memory_),
        [this](uint64_t address, const uint64_t* w, size_t n) {
            search(w, n);
            const stack_map::range* owner = nullptr;
            for (size_t i = 0; i < n; i++) {
                if (!is_g(w[i])) continue;
                if (owner == nullptr || address + i * 8 >= owner->high) owner = stacks_.find(address + i * 8);
                search_unborn(w[i], owner != nullptr ? owner->id : 0);
            }
        },
        &failed);
    return !failed;
}

bool leak_rooms::is_g(uint64_t word) const {
    return std::any_of(gs_.begin(), gs_.end(),
                       [word](const box::region& r) { return word - r.address < r.bytes && r.stride != 0; });
}

// go() builds the closure in a G that counts as dead until all is done; who does it has its address.
void leak_rooms::search_unborn(uint64_t word, uint64_t creator) {
    field closure = t_.find_field("G.closure"), made_by = t_.find_field("G.creator_id");
    for (const box::region& r : gs_) {
        if (word - r.address >= r.bytes || r.stride == 0) continue;
        uint64_t offset = (word - r.address) % r.stride, g = word - offset, by = 0;
        if ((offset != 0 && offset != closure.offset) || living_.contains(g)) return;
        uint64_t words[kClosureBytes / 8];
        if (t_.read(g + made_by.offset, &by, sizeof by) && by == creator &&
            t_.read(g + closure.offset, words, sizeof words))
            search(words, std::size(words));
    }
}

// Who wakes somebody has taken him off what he waits for, and may know nothing but his G, or what of him stood in the queue, which leads to the next one.
void leak_rooms::is_being_woken(uint64_t word) {
    std::vector<uint64_t> words{word};
    while (!words.empty()) {
        word = words.back();
        words.pop_back();
        uint32_t w = 0;
        if (auto at = living_.find(word); at != living_.end()) {
            auto found = waiter_by_id_.find(at->second);
            if (found == waiter_by_id_.end()) continue;
            w = found->second;
        } else {
            const stack_map::range* range = stacks_.find(word);
            auto found = range != nullptr ? waiter_by_id_.find(range->id) : waiter_by_id_.end();
            if (found == waiter_by_id_.end() || word < rooms_[found->second].stack.low) continue;
            w = found->second;
        }
        if (std::exchange(graph.waiters[w].is_alive, true)) continue;
        stretch own = {rooms_[w].stack.low, rooms_[w].user_low};
        size_t known = words.size();
        words.resize(known + (own.high - own.low) / 8);
        if (!t_.read(own.low, words.data() + known, (words.size() - known) * 8)) words.resize(known);
    }
}

// What runs: registers, and stacks from where they are in use.
bool leak_rooms::search_running(const stopped_process& stopped) {
    std::unordered_map<uint64_t, const thread*> by_tid;
    for (const thread& th : s_.threads) by_tid.emplace(th.tid, &th);
    for (const stopped_process::thread& th : stopped.threads()) {
        auto at = by_tid.find(th.tid);
        const thread* m = at != by_tid.end() ? at->second : nullptr;
        // A thread of the scheduler that sleeps has none of the user's values.
        bool runs = m == nullptr || m->is_plain || m->running != 0;
        if (!runs && m->parked) continue;
        search(th.words.data(), th.words.size());
        if (!runs) continue;
        std::vector<uint64_t> words = th.words;
        const stack_map::range* range = stacks_.find(th.sp);
        if (range != nullptr && range->high - th.sp <= kMostStack) {
            words.resize(words.size() + (range->high - th.sp) / 8);
            size_t n = words.size() - th.words.size();
            if (!t_.read(th.sp & ~uint64_t{7}, words.data() + th.words.size(), n * 8)) return false;
        }
        uint64_t creator = range != nullptr ? range->id : 0;
        for (uint64_t word : words) {
            is_being_woken(word);
            if (is_g(word)) search_unborn(word, creator);
        }
    }
    return true;
}

// What the scheduler's own threads have left below their stack pointers when they let somebody wait: else every second wait would be mentioned there. The
// stacks are 256 KiB long, and little of them is ever used.
void leak_rooms::add_dead_frames(std::vector<stretch>& to) const {
    constexpr uint64_t kDead = 16 << 10, kRedZone = 128;
    field saved = t_.find_field("M.g0_context");
    for (const thread& th : s_.threads) {
        if (th.is_plain || th.number == 0 || !t_.is_live()) continue;
        uint64_t sp = 0;
        if (th.running == 0)
            sp = sleeping_sp(t_.pid(), th.tid);
        else if (saved.bytes != sizeof sp || !t_.read(th.address + saved.offset, &sp, sizeof sp))
            sp = 0;
        if (sp > kDead) to.push_back({sp - kDead, sp - kRedZone});
    }
}

bool leak_rooms::search_outside(const stopped_process* stopped, uint64_t* bytes) {
    if (memory_.empty()) return false;
    slabs all = find_slabs(t_, s_);
    std::vector<stretch> holes = all.stacks;
    holes.insert(holes.end(), all.structs.begin(), all.structs.end());
    for (auto kind : {box::region_kind::text, box::region_kind::gs, box::region_kind::ps, box::region_kind::ms,
                      box::region_kind::ring, box::region_kind::modules})
        for (const box::region& r : t_.regions(kind)) holes.push_back({r.address, r.address + r.bytes});
    // A channel's own queues point at its waiters. Such small holes are read with the rest: a hundred thousand would cut the memory to pieces.
    std::vector<stretch> small;
    field type = t_.find_field("chan.type");
    for (const auto& [core, p] : place_by_address_)
        if (graph.places[p].handles != 0 && type.there()) small.push_back({core, core + type.offset + type.bytes});
    for (const room& r : rooms_) small.push_back(r.box);
    small = join(std::move(small));
    add_dead_frames(holes);
    bool failed = false;
    auto look = [&](uint64_t address, const uint64_t* words, size_t n) {
        for (size_t i = 0; i < n; i++)
            if (words[i] >= low_ && words[i] < high_ && !contains(small, address + i * 8)) search(words + i, 1);
    };
    *bytes += read_words(t_, without(memory_, join(std::move(holes))), look, &failed);
    std::vector<uint64_t> in_use;
    if (stopped != nullptr)
        for (const stopped_process::thread& th : stopped->threads()) in_use.push_back(th.sp);
    bool done = search_stacks(all, in_use, bytes) && search_closures();
    if (stopped != nullptr) return search_running(*stopped) && done && !failed;
    return done && (t_.is_live() || (read_core_registers(t_, look) && !failed));
}

}  // namespace insp
