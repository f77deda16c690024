// SPDX-License-Identifier: BSL-1.0
// checked_atomic: std::atomic's face over the checker. Same size, same alignment.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "tests/model/steps.h"

namespace std {

template <class T>
class alignas(sizeof(T)) checked_atomic {
    static_assert(sizeof(T) <= 8);
    using order = memory_order;
    using place = gossamer::model::place;

  public:
    using value_type = T;
    constexpr checked_atomic() noexcept : checked_atomic(T()) {}
    constexpr checked_atomic(T v) noexcept : value_(v) {
        if (!is_constant_evaluated()) gossamer::model::born(&value_);
    }
    checked_atomic(const checked_atomic&) = delete;
    checked_atomic& operator=(const checked_atomic&) = delete;

    T load(order o = memory_order_seq_cst, place at = place::current()) const {
        return of(gossamer::model::load(&value_, sizeof(T), o, at));
    }
    operator T() const { return load(); }
    void store(T v, order o = memory_order_seq_cst, place at = place::current()) {
        gossamer::model::store(&value_, sizeof(T), bits(v), o, at);
    }
    T operator=(T v) {
        store(v);
        return v;
    }
    T exchange(T v, order o = memory_order_seq_cst, place at = place::current()) {
        return change([v](T) { return v; }, o, at);
    }
    T fetch_add(T by, order o = memory_order_seq_cst, place at = place::current()) {
        return change([by](T old) { return T(old + by); }, o, at);
    }
    T fetch_sub(T by, order o = memory_order_seq_cst, place at = place::current()) {
        return change([by](T old) { return T(old - by); }, o, at);
    }
    T fetch_or(T by, order o = memory_order_seq_cst, place at = place::current()) {
        return change([by](T old) { return T(old | by); }, o, at);
    }
    T fetch_and(T by, order o = memory_order_seq_cst, place at = place::current()) {
        return change([by](T old) { return T(old & by); }, o, at);
    }
    bool compare_exchange_strong(T& expected, T desired, order won, order lost, place at = place::current()) {
        uint64_t old = bits(expected);
        bool done = gossamer::model::compare_exchange(&value_, sizeof(T), &old, bits(desired), won, lost, at);
        if (!done) expected = of(old);
        return done;
    }
    bool compare_exchange_strong(T& expected, T desired, order o = memory_order_seq_cst, place at = place::current()) {
        return compare_exchange_strong(expected, desired, o, on_failure(o), at);
    }
    bool compare_exchange_weak(T& expected, T desired, order won, order lost, place at = place::current()) {
        return compare_exchange_strong(expected, desired, won, lost, at);
    }
    bool compare_exchange_weak(T& expected, T desired, order o = memory_order_seq_cst, place at = place::current()) {
        return compare_exchange_strong(expected, desired, o, on_failure(o), at);
    }

  private:
    static constexpr order on_failure(order o) {
        return o == memory_order_acq_rel ? memory_order_acquire : o == memory_order_release ? memory_order_relaxed : o;
    }
    static uint64_t bits(T v) {
        uint64_t b = 0;
        memcpy(&b, &v, sizeof v);
        return b;
    }
    static T of(uint64_t b) {
        T v;
        memcpy(&v, &b, sizeof v);
        return v;
    }
    template <class F>
    T change(F f, order o, place at) {
        auto step = [](uint64_t old, void* f) { return bits((*static_cast<F*>(f))(of(old))); };
        return of(gossamer::model::change(&value_, sizeof(T), step, &f, o, at));
    }

    T value_;  // the newest
};

inline void checked_thread_fence(memory_order o, gossamer::model::place at = gossamer::model::place::current()) {
    gossamer::model::fence(o, at);
}
inline void checked_signal_fence(memory_order, gossamer::model::place at = gossamer::model::place::current()) {
    gossamer::model::compiler_fence(at);
}

}  // namespace std

namespace gossamer::rt::arch {

inline void checked_relax() { model::relax(); }

}  // namespace gossamer::rt::arch
