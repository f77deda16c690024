// SPDX-License-Identifier: BSL-1.0
#include "gossamer/go_local.h"

#include <doctest/doctest.h>

#include <mutex>
#include <string>
#include <thread>

#include "gossamer/mutex.h"
#include "gossamer/wait_group.h"
#include "tests/lib/sync/probe.h"

using gossamer::go_local;
using gossamer::wait_group;

namespace {

struct counted {
    static inline std::atomic<int> alive{0};
    int value = 0;
    counted() { alive++; }
    counted(const counted&) = delete;
    ~counted() { alive--; }
};

// What was made (small letters) and destroyed (capitals), in order.
std::mutex diary_guard;
std::string diary;
void note(char c) {
    std::lock_guard hold(diary_guard);
    diary += c;
}
bool diary_is(const char* words) {
    std::lock_guard hold(diary_guard);
    return diary == words;
}
template <char kName>
struct noted {
    noted() { note(kName); }
    ~noted() { note(char(kName - 'a' + 'A')); }
};

constinit go_local<int> number;
constinit go_local<std::string> text([] { return std::string("made"); });
go_local<counted> counter;
go_local<noted<'a'>> a;
go_local<noted<'b'>> b;
go_local<noted<'c'>> c;

struct makes_another {
    ~makes_another() { a.get(); }
};
go_local<makes_another> last_wish;

}  // namespace

TEST_CASE("each goroutine and each plain thread has its own value, whatever thread it is on") {
    number.get() = 1;
    wait_group end;
    std::atomic<int> wrong{0};
    auto use = [&] {
        if (number.exists() || number.get() != 0 || *text != "made") wrong++;
        for (int i = 0; i < 1'000; i++) {
            number.get()++;
            text->push_back('x');
            if (i % 10 == 0) gossamer::yield();
        }
        if (*number != 1'000 || text->size() != 1'004) wrong++;
    };
    for (int i = 0; i < 20; i++) end.go(use);
    std::thread plain(use);
    plain.join();
    end.wait();
    CHECK(wrong.load() == 0);
    CHECK(number.get() == 1);
}

TEST_CASE("values are destroyed when their goroutine ends, by return and by goexit") {
    int before = counted::alive.load();
    wait_group end;
    for (int i = 0; i < 100; i++)
        end.go([i] {
            counter.get().value = i;
            if (i % 2 == 0) gossamer::goexit();
        });
    end.wait();
    CHECK(tests::eventually([&] { return counted::alive.load() == before; }));
}

TEST_CASE("a plain thread's values are destroyed when it ends") {
    int before = counted::alive.load();
    std::thread([] { counter.get().value = 1; }).join();
    CHECK(counted::alive.load() == before);
}

TEST_CASE("the youngest value is destroyed first, also one that is made by a destructor") {
    diary.clear();
    gossamer::go([] {
        b.get();
        a.get();
        c.get();
    });
    CHECK(tests::eventually([] { return diary_is("bacCAB"); }));
    diary.clear();
    gossamer::go([] { last_wish.get(); });
    CHECK(tests::eventually([] { return diary_is("aA"); }));
}
