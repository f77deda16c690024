// SPDX-License-Identifier: BSL-1.0
// Functions that keep the address of a thread-local across a call that may park: tls-lint must find each whose name begins with bad_, whatever
// compiler, level and model; and none whose name begins with good_. A compiler is free to form an address anew after the call, and often does: keep()
// takes that freedom away, so that what is planted is there.
#include <cerrno>
#include <exception>

namespace gossamer {
void yield();
int receive();
}  // namespace gossamer

struct table {
    int a, b[16];
    int* at(int i);
};
extern thread_local int shared_word;
thread_local int own_word;
static thread_local table own_table;
int* escaped;
void look(int* p);
void plain_call();
int maybe();
[[gnu::always_inline]] inline int* keep(int* p) {
    asm volatile("" : "+r"(p));
    return p;
}

static void parks_itself() {
    gossamer::yield();
    own_word++;
}
[[gnu::noinline]] void parks_through_another() {
    parks_itself();
    plain_call();
}
[[gnu::noinline]] int* address_of_own() { return &own_word; }

// The user's own pointer.
int bad_pointer_to_own() {
    int* volatile p = keep(&own_word);
    gossamer::yield();
    return *p;
}
void bad_pointer_to_shared() {
    int* p = keep(&shared_word);
    look(p);
    gossamer::yield();
    *p = 1;
}
int bad_errno_pointer() {
    int* e = keep(&errno);
    *e = 0;
    look(e);
    int n = gossamer::receive();
    return n + *e;
}
int bad_after_own_function_that_parks() {
    int* p = keep(&own_word);
    look(p);
    parks_through_another();
    return *p;
}
int* bad_returned() {
    int* p = keep(&own_word);
    look(p);
    gossamer::yield();
    return p;
}
void bad_passed_on() {
    int* p = keep(&own_word);
    look(p);
    gossamer::yield();
    look(p);
}
void bad_stored() {
    int* p = keep(&own_word);
    look(p);
    gossamer::yield();
    escaped = p;
}
int bad_in_a_loop(int n) {
    int* p = keep(&own_word);
    int sum = 0;
    look(p);
    for (int i = 0; i < n; i++) {
        sum += *p;
        if (maybe() != 0) gossamer::yield();
    }
    return sum;
}
int bad_on_one_path(bool now) {
    int* p = keep(&own_table.a);
    look(p);
    if (now)
        gossamer::yield();
    else
        plain_call();
    return *p;
}
int bad_in_an_array(int i) {
    int* p = keep(&own_table.b[i & 15]);
    look(p);
    gossamer::yield();
    return *p;
}
int bad_from_a_function() {
    int* p = keep(address_of_own());
    look(p);
    gossamer::yield();
    return *p;
}
void bad_in_a_handler() {
    int* p = keep(&own_word);
    look(p);
    try {
        gossamer::yield();
    } catch (const std::exception&) {
        *p = 1;
    }
}

// Values, and addresses that are formed anew.
int good_value() {
    int v = own_word;
    gossamer::yield();
    return v;
}
int good_errno_before() {
    errno = 0;
    int e = errno;
    gossamer::yield();
    return e;
}
int good_no_park() {
    int* p = &own_word;
    look(p);
    plain_call();
    return *p;
}
void good_before_only() {
    int* p = &own_word;
    look(p);
    *p = 3;
    gossamer::yield();
}
[[gnu::noinline]] static void count_here() { own_table.a++; }
void good_through_a_function() {
    count_here();
    gossamer::yield();
    count_here();
}
int good_parked_before() {
    gossamer::yield();
    int* p = &own_word;
    look(p);
    return *p;
}
int good_kept_before_the_park_only() {
    int* p = keep(&own_word);
    look(p);
    int v = *p;
    gossamer::yield();
    return v;
}
int good_frame(int n) {
    int local[4] = {n, n, n, n};
    look(local);
    gossamer::yield();
    return local[n & 3];
}
int good_other_path(bool now) {
    if (now) {
        gossamer::yield();
        return 1;
    }
    int* p = &own_word;
    look(p);
    return *p;
}
int good_switch(int n) {
    switch (n) {
        case 0:
            gossamer::yield();
            return 7;
        case 1:
            return own_word;
        case 2:
            gossamer::yield();
            return 9;
        case 3:
            own_word = 4;
            return 1;
        case 4:
            plain_call();
            return 2;
        case 5:
            look(&own_word);
            return 3;
        default:
            return 0;
    }
}
