// SPDX-License-Identifier: BSL-1.0
#include "tests/model/steps.h"

#include <cstring>

#include "tests/model/engine.h"

namespace gossamer::model {

engine the;

void join(seen_stores& to, const seen_stores& from) {
    for (unsigned i = 0; i < kWords; i++) to[i] = to[i] < from[i] ? from[i] : to[i];
}

void join(view& to, const view& from) {
    join(to.seen, from.seen);
    for (unsigned i = 0; i < kThreads; i++) to.clock[i] = to.clock[i] < from.clock[i] ? from.clock[i] : to.clock[i];
}

bool independent(const step& a, const step& b) {
    if (a.what == act::begin || b.what == act::begin) return true;
    if (a.what == act::heavy || b.what == act::heavy) return false;
    auto stores = [](const step& s) { return s.what == act::store; };
    if (a.what == act::spin || b.what == act::spin) return !stores(a) && !stores(b);
    if (a.what == act::fence || b.what == act::fence)
        return !((a.what == act::fence || a.seq_cst) && (b.what == act::fence || b.seq_cst));
    return a.at != b.at || (!stores(a) && !stores(b));
}

namespace {

using order = std::memory_order;

bool acquires(order o) {
    return o == order::acquire || o == order::consume || o == order::acq_rel || o == order::seq_cst;
}
bool releases(order o) { return o == order::release || o == order::acq_rel || o == order::seq_cst; }

uint64_t read_memory(const void* at, unsigned size) {
    uint64_t v = 0;
    memcpy(&v, at, size);
    return v;
}

// What the plant makes of an operation at this place.
bool planted(place where, fault how) {
    if (the.bug == nullptr || the.bug->how != how || where.line != the.bug_line) return false;
    size_t have = strlen(where.file), want = strlen(the.bug->file);
    if (have < want || strcmp(where.file + have - want, the.bug->file) != 0) return false;
    the.bug_reached = true;
    return true;
}

word& word_at(const void* at, unsigned size) {
    auto [found, fresh] = the.numbers.try_emplace(at, the.words_used);
    if (fresh) {
        if (the.words_used == kWords) fail("the checker has room for 192 words");
        if (the.words.size() == the.words_used) the.words.emplace_back();
        word& w = the.words[the.words_used];
        w.at = at;
        w.size = size;
        w.number = the.words_used++;
        w.users = 0;
        w.shared = the.replaying || the.shared_words.contains(at);
        w.stores = 0;
        w.history.resize(std::max<size_t>(w.history.size(), 1));
        w.history[0] = {read_memory(at, size), {}};
        w.stores = 1;
    }
    return the.words[found->second];
}

// A step on a word is about to be made: others may go first.
word& come_to(const void* at, unsigned size, act what, order o) {
    if (++the.steps > kMostSteps) fail("a loop that nobody ends");
    word& w = word_at(at, size);
    the.me().looked = true;
    unsigned number = w.number;
    if (w.shared) {
        point({what, o == order::seq_cst, at});
    } else {
        w.users |= uint8_t(1u << the.current);
        if ((w.users & (w.users - 1)) != 0) {
            w.shared = true;
            the.found_shared.push_back(at);
        }
    }
    return the.words[number];
}

std::string words_of(order o) {
    switch (o) {
        case order::relaxed:
            return "relaxed";
        case order::acquire:
            return "acquire";
        case order::release:
            return "release";
        case order::acq_rel:
            return "acq_rel";
        case order::consume:
            return "consume";
        case order::seq_cst:
            break;
    }
    return "seq_cst";
}

std::string number(uint64_t v) {
    char text[32];
    snprintf(text, sizeof text, v < 65536 ? "%llu" : "0x%llx", static_cast<unsigned long long>(v));
    return text;
}

// The thread reads store number i of w.
void learn(word& w, unsigned i, order o) {
    actor& a = the.me();
    a.now.seen[w.number] = std::max<uint16_t>(a.now.seen[w.number], uint16_t(i));
    if (acquires(o))
        join(a.now, w.history[i].released);
    else
        join(a.acquired, w.history[i].released);
}

unsigned oldest_visible(const word& w, order o) {
    unsigned oldest = the.me().now.seen[w.number];
    return o == order::seq_cst ? std::max<unsigned>(oldest, the.sc[w.number]) : oldest;
}

void append(word& w, uint64_t value, order o, bool in_sequence) {
    actor& a = the.me();
    if (w.stores == 60000) fail("the checker has room for 60000 stores to a word");
    if (w.history.size() == w.stores) w.history.emplace_back();
    past_store& s = w.history[w.stores];
    s.value = value;
    a.now.seen[w.number] = uint16_t(w.stores);
    s.released = releases(o) ? a.now : a.fence_released;
    s.released.seen[w.number] = uint16_t(w.stores);
    if (in_sequence) join(s.released, w.history[w.stores - 1].released);
    if (o == order::seq_cst) the.sc[w.number] = uint16_t(w.stores);
    w.stores++;
    memcpy(const_cast<void*>(w.at), &value, w.size);
    a.now.clock[the.current]++;
    a.stores++;
    the.stores++;
}

// False when there was something that the thread had not seen.
bool see_all(actor& a) {
    bool all = true;
    for (unsigned i = 0; i < the.words_used; i++)
        if (auto newest = uint16_t(the.words[i].stores - 1); std::exchange(a.now.seen[i], newest) != newest)
            all = false;
    return all;
}

void after_step() {
    actor& a = the.me();
    if (!a.delayed) return;
    auto late = std::move(a.delayed);
    a.delayed = nullptr;
    late();
}

void do_store(const void* at, unsigned size, uint64_t value, order o, place where) {
    word& w = come_to(at, size, act::store, o);
    append(w, value, o, false);
    if (the.tracing) trace("store", at, number(value) + " " + words_of(o), where);
}

}  // namespace

void born(const void* at) {
    if (the.running) the.numbers.erase(at);
}

uint64_t load(const void* at, unsigned size, order o, place where) {
    if (!the.running) return read_memory(at, size);
    own_code scope;
    if (planted(where, fault::relaxed)) o = order::relaxed;
    word& w = come_to(at, size, act::load, o);
    unsigned newest = w.stores - 1, oldest = oldest_visible(w, o);
    unsigned behind = 0;
    if (oldest < newest && the.stale < the.within.stale) {
        behind = pick(newest - oldest + 1);
        if (behind != 0) the.stale++;
    }
    learn(w, newest - behind, o);
    uint64_t value = w.history[newest - behind].value;
    if (the.tracing)
        trace("load", at, number(value) + " " + words_of(o) + (behind != 0 ? ", " + number(behind) + " behind" : ""),
              where);
    after_step();
    return value;
}

void store(void* at, unsigned size, uint64_t value, order o, place where) {
    if (!the.running) {
        memcpy(at, &value, size);
        return;
    }
    own_code scope;
    if (planted(where, fault::skipped)) return;
    if (planted(where, fault::relaxed)) o = order::relaxed;
    if (planted(where, fault::late)) {
        the.me().delayed = [=] { do_store(at, size, value, o, where); };
        return;
    }
    do_store(at, size, value, o, where);
    after_step();
}

uint64_t change(void* at, unsigned size, uint64_t (*step)(uint64_t old, void* arg), void* arg, order o, place where) {
    if (!the.running) {
        uint64_t old = read_memory(at, size), value = step(old, arg);
        memcpy(at, &value, size);
        return old;
    }
    own_code scope;
    if (planted(where, fault::relaxed)) o = order::relaxed;
    bool skipped = planted(where, fault::skipped);
    word* w = &come_to(at, size, act::store, o);
    unsigned last = w->stores - 1;
    uint64_t old = w->history[last].value;
    learn(*w, last, o);
    if (planted(where, fault::split)) w = &come_to(at, size, act::store, o);
    uint64_t value = step(old, arg);
    if (!skipped) append(*w, value, o, true);
    if (the.tracing) trace("change", at, number(old) + " to " + number(value) + " " + words_of(o), where);
    after_step();
    return old;
}

bool compare_exchange(void* at, unsigned size, uint64_t* expected, uint64_t desired, order won, order lost,
                      place where) {
    if (!the.running) {
        uint64_t old = read_memory(at, size);
        if (old == *expected) {
            memcpy(at, &desired, size);
            return true;
        }
        *expected = old;
        return false;
    }
    own_code scope;
    if (planted(where, fault::relaxed)) won = lost = order::relaxed;
    bool blind = planted(where, fault::blind);
    word* w = &come_to(at, size, act::store, won == order::seq_cst || lost == order::seq_cst ? order::seq_cst : won);
    unsigned newest = w->stores - 1;
    bool can_win = blind || w->history[newest].value == *expected;
    // It wins on the newest, or loses on any that it may see and that differs.
    unsigned losers[16];
    unsigned n = 0;
    for (unsigned i = newest + 1, oldest = oldest_visible(*w, lost); i-- > oldest && n < 16;) {
        if (w->history[i].value == *expected || blind) continue;
        if (i != newest && the.stale >= the.within.stale) break;
        losers[n++] = i;
    }
    unsigned taken = n + can_win > 1 ? pick(n + can_win) : 0;
    if (can_win && taken == 0) {
        learn(*w, newest, won);
        if (planted(where, fault::split)) w = &come_to(at, size, act::store, won);
        append(*w, desired, won, true);
        if (the.tracing)
            trace("compare-exchange", at, number(*expected) + " to " + number(desired) + " " + words_of(won), where);
        after_step();
        return true;
    }
    unsigned i = losers[taken - can_win];
    if (i != newest) the.stale++;
    learn(*w, i, lost);
    uint64_t old = w->history[i].value;
    if (the.tracing) trace("compare-exchange", at, "lost: " + number(old) + ", not " + number(*expected), where);
    *expected = old;
    after_step();
    return false;
}

void compiler_fence(place where) {
    if (!the.running) return;
    own_code scope;
    if (planted(where, fault::skipped)) return;
    actor& a = the.me();
    join(a.now.seen, a.pending);
    a.at_fence = a.now.seen;
}

void fence(order o, place where) {
    if (!the.running) return;
    own_code scope;
    if (planted(where, fault::skipped)) return;
    if (planted(where, fault::relaxed)) o = order::relaxed;
    if (o == order::seq_cst) {
        if (++the.steps > kMostSteps) fail("a loop that nobody ends");
        point({act::fence, true, nullptr});
    }
    actor& a = the.me();
    join(a.now.seen, a.pending);
    if (acquires(o)) join(a.now, a.acquired);
    if (o == order::seq_cst) {
        join(a.now.seen, the.sc);
        join(the.sc, a.now.seen);
    }
    if (releases(o)) {
        a.fence_released = a.now;
        a.now.clock[the.current]++;
    }
    a.at_fence = a.now.seen;
    if (the.tracing) trace("fence", nullptr, words_of(o), where);
    after_step();
}

bool heavy_fence(place where) {
    if (!the.running) return true;
    own_code scope;
    if (planted(where, fault::skipped)) return false;
    the.steps++;
    point({act::heavy, true, nullptr});
    actor& a = the.me();
    join(a.now.seen, a.pending);
    join(a.now, a.acquired);
    join(the.sc, a.now.seen);
    seen_stores mine = the.sc;
    for (actor& other : the.actors) {
        if (&other == &a) continue;
        join(the.sc, other.state == life::over ? other.now.seen : other.at_fence);
        join(other.pending, mine);
    }
    join(a.now.seen, the.sc);
    a.fence_released = a.now;
    a.now.clock[the.current]++;
    a.at_fence = a.now.seen;
    if (the.tracing) trace("heavy fence", nullptr, "", where);
    after_step();
    return true;
}

void relax() { spin(); }

void spin() {
    if (!the.running) return;
    own_code scope;
    actor& a = the.me();
    if (!std::exchange(a.looked, false)) return;
    // What others have stored comes into sight some day. Who has seen all there is, and looked at it once more, waits for more.
    bool saw_all = see_all(a);
    bool fruitless = saw_all && the.stores - a.stores <= a.spin_mark;
    a.fruitless_spins = fruitless ? a.fruitless_spins + 1 : 0;
    if (a.fruitless_spins > 1) {
        if (the.tracing) trace("spins", nullptr, "", {"", 0});
        sleep_here(life::spinning);
        see_all(a);
        a.fruitless_spins = 0;
    }
    a.spin_mark = the.stores - a.stores;
}

void futex_wait(const void* at, uint32_t expected) {
    if (!the.running) return;
    own_code scope;
    word& w = come_to(at, 4, act::store, order::seq_cst);
    if (uint32_t(w.newest().value) != expected) return;
    actor& a = the.me();
    join(a.now.seen, a.pending);
    a.at_fence = a.now.seen;
    a.sleeps_on = at;
    if (the.tracing) trace("sleeps", at, "", {"", 0});
    sleep_here(life::asleep);
    if (the.tracing) trace("is awake", at, "", {"", 0});
}

void futex_wake(const void* at, int count) {
    if (!the.running) return;
    own_code scope;
    come_to(at, 4, act::store, order::seq_cst);
    for (actor& other : the.actors) {
        if (count == 0) break;
        if (other.state != life::asleep || other.sleeps_on != at) continue;
        other.state = life::ready;
        other.next = {act::store, true, at};
        count--;
    }
    if (the.tracing) trace("wakes", at, "", {"", 0});
    after_step();
}

}  // namespace gossamer::model
