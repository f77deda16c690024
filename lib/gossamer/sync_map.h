// SPDX-License-Identifier: BSL-1.0
// sync_map: a map that any number of goroutines and threads may use at once (SEMANTICS MP1, MP2). Ready without a constructor's
// arguments. Keys lie in 64 parts, each under a mutex of its own, so that those who use different keys seldom meet; hashing, comparing
// copying and destroying of keys and values may happen under that mutex, so they must not use the map.
// Not done: reads without a lock, as Go's since 1.24. Memory that a reader may still look at would have to wait for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gossamer/mutex.h"

namespace gossamer {

template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class sync_map {
  public:
    sync_map() = default;
    sync_map(const sync_map&) = delete;
    sync_map& operator=(const sync_map&) = delete;

    // A copy of the value; nothing when there is none.
    std::optional<Value> load(const Key& key) const {
        const part& p = part_of(key);
        std::lock_guard hold(p.guard);
        auto found = p.entries.find(key);
        return found == p.entries.end() ? std::nullopt : std::optional<Value>(found->second);
    }
    void store(const Key& key, Value value) { (void)swap(key, std::move(value)); }
    // The value that is there (and true), or the given one, stored now (and false).
    std::pair<Value, bool> load_or_store(const Key& key, Value value) {
        part& p = part_of(key);
        std::lock_guard hold(p.guard);
        auto [entry, stored] = p.entries.try_emplace(key, std::move(value));
        return {entry->second, !stored};
    }
    std::optional<Value> load_and_delete(const Key& key) {
        part& p = part_of(key);
        std::lock_guard hold(p.guard);
        auto node = p.entries.extract(key);
        return node.empty() ? std::nullopt : std::optional<Value>(std::move(node.mapped()));
    }
    // Go's Delete. True when there was one.
    bool erase(const Key& key) { return load_and_delete(key).has_value(); }
    // Stores and gives what was there before.
    std::optional<Value> swap(const Key& key, Value value) {
        part& p = part_of(key);
        std::lock_guard hold(p.guard);
        auto [entry, stored] = p.entries.try_emplace(key, std::move(value));
        if (stored) return std::nullopt;
        return std::exchange(entry->second, std::move(value));
    }
    // Stores `fresh` if the key has the value `old`.
    bool compare_and_swap(const Key& key, const Value& old, Value fresh) {
        part& p = part_of(key);
        std::lock_guard hold(p.guard);
        auto found = p.entries.find(key);
        if (found == p.entries.end() || !(found->second == old)) return false;
        found->second = std::move(fresh);
        return true;
    }
    // Deletes if the key has the value `old`; false when it is absent.
    bool compare_and_delete(const Key& key, const Value& old) {
        part& p = part_of(key);
        std::lock_guard hold(p.guard);
        auto found = p.entries.find(key);
        if (found == p.entries.end() || !(found->second == old)) return false;
        p.entries.erase(found);
        return true;
    }
    // Calls f(key, value) with copies, for each key at most once, until it gives false. Not a snapshot of one moment; holds nobody up;
    // f may call anything here (MP2).
    template <class F>
    void range(F&& f) const {
        for (const part& p : parts_) {
            std::vector<std::pair<Key, Value>> now;
            {
                std::lock_guard hold(p.guard);
                now.assign(p.entries.begin(), p.entries.end());
            }
            for (auto& [key, value] : now)
                if (!std::invoke(f, std::as_const(key), value)) return;
        }
    }
    void clear() {
        for (part& p : parts_) {
            std::unordered_map<Key, Value, Hash, Equal> gone;
            std::lock_guard hold(p.guard);
            gone.swap(p.entries);
        }
    }

  private:
    static constexpr unsigned kPartBits = 6;
    struct alignas(64) part {
        mutable mutex guard;
        std::unordered_map<Key, Value, Hash, Equal> entries;  // under guard
    };

    static std::size_t number(const Key& key) {
        // The upper bits of the product: the hash of a number is often the number.
        return std::size_t((uint64_t(Hash{}(key)) * 0x9E3779B97F4A7C15u) >> (64 - kPartBits));
    }
    part& part_of(const Key& key) { return parts_[number(key)]; }
    const part& part_of(const Key& key) const { return parts_[number(key)]; }

    std::array<part, std::size_t(1) << kPartBits> parts_;
};

}  // namespace gossamer
