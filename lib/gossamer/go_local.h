// SPDX-License-Identifier: BSL-1.0
// go_local<T>: a variable of which every goroutine has its own, in place of thread_local: a goroutine changes threads. A plain thread
// counts as a goroutine. It is made at first use, as T() or by the given function, and destroyed when its goroutine ends, the
// youngest first. New goroutines start with none: values are not inherited (SEMANTICS G5).
//     static go_local<int> depth;   ...   depth.get()++;
// A go_local must have static storage duration: its slot is never given back.
#pragma once

#include <atomic>
#include <cstdint>

namespace gossamer {

namespace rt {
// The caller's value in that slot, null when there is none yet.
void* find_local(uint32_t slot) noexcept;
// Gives the slot a value. REQUIRES: find_local(slot) is null.
void add_local(uint32_t slot, void* value, void (*destroy)(void*));
// A number for one go_local, from 1; the same for every caller that passes the same word.
uint32_t local_slot(std::atomic<uint32_t>& word);
}  // namespace rt

template <class T>
class go_local {
  public:
    constexpr go_local() noexcept = default;
    // make is called by each goroutine at its first use.
    constexpr explicit go_local(T (*make)()) noexcept : make_(make) {}
    go_local(const go_local&) = delete;
    go_local& operator=(const go_local&) = delete;

    // The calling goroutine's own. The reference is good until that goroutine ends; do not hand it to another.
    T& get() {
        uint32_t slot = slot_.load(std::memory_order_relaxed);  // pairs with nothing: the number is all
        if (slot == 0) [[unlikely]]
            slot = rt::local_slot(slot_);
        void* value = rt::find_local(slot);
        if (value == nullptr) [[unlikely]]
            value = create(slot);
        return *static_cast<T*>(value);
    }
    T& operator*() { return get(); }
    T* operator->() { return &get(); }
    // Whether the calling goroutine has used it yet.
    bool exists() const noexcept {
        uint32_t slot = slot_.load(std::memory_order_relaxed);  // pairs with nothing: the number is all
        return slot != 0 && rt::find_local(slot) != nullptr;
    }

  private:
    [[gnu::noinline]] void* create(uint32_t slot) {
        T* value = make_ != nullptr ? new T(make_()) : new T();
        try {
            rt::add_local(slot, value, [](void* v) { delete static_cast<T*>(v); });
        } catch (...) {
            delete value;
            throw;
        }
        return value;
    }

    std::atomic<uint32_t> slot_{0};
    T (*make_)() = nullptr;
};

}  // namespace gossamer
