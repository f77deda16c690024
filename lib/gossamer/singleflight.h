// SPDX-License-Identifier: BSL-1.0
// singleflight: of several who want the same thing at the same time one fetches it, and all get what he got (SEMANTICS SF1 to SF3).
//     static singleflight<std::string, page> pages;
//     auto [value, err, shared] = pages.call(url, [&] { return fetch(url); });
// Any goroutine or thread. The object must outlive the calls on it.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/error.h"
#include "gossamer/go.h"
#include "gossamer/mutex.h"
#include "gossamer/wait_group.h"

namespace gossamer {

// Value has a value without arguments, which stands beside an error, and can be copied.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class singleflight {
  public:
    struct result {
        Value value{};
        error err;
        bool shared = false;  // more than one got it
    };

    singleflight() = default;
    singleflight(const singleflight&) = delete;
    singleflight& operator=(const singleflight&) = delete;

    // Go's Do. Calls f, unless a call for that key is under way: then waits for it and gives what that one gave. f returns a Value, or a
    // pair of Value and error. What f throws is thrown in all who wait; where f leaves by goexit(), all leave (SF3).
    template <class F>
    result call(const Key& key, F&& f) {
        std::unique_lock hold(guard_);
        if (auto found = flights_.find(key); found != flights_.end()) {
            std::shared_ptr<flight> theirs = found->second;
            theirs->sharers++;
            hold.unlock();
            theirs->ended.wait();
            return outcome(*theirs);
        }
        std::shared_ptr<flight> mine = begin(key);
        hold.unlock();
        run(*mine, key, f);
        if (mine->thrown && !mine->told.empty()) {
            // Somebody waits at a channel, which carries no exceptions: the process ends, and nobody can stop that.
            gossamer::go([thrown = mine->thrown] { std::rethrow_exception(thrown); });
            chan<unit>(nil).recv();
        }
        return outcome(*mine);
    }

    // The same without waiting: a channel that gives the result, once, and is never closed (SF2). What f throws ends the process.
    template <class F>
    recv_chan<result> call_chan(const Key& key, F f) {
        chan<result> answer(1);
        std::unique_lock hold(guard_);
        if (auto found = flights_.find(key); found != flights_.end()) {
            found->second->sharers++;
            found->second->told.push_back(answer);
            return answer;
        }
        std::shared_ptr<flight> mine = begin(key);
        mine->told.push_back(answer);
        hold.unlock();
        gossamer::go([this, mine, key, f = std::move(f)]() mutable {
            run(*mine, key, f);
            if (mine->thrown) std::rethrow_exception(mine->thrown);
        });
        return answer;
    }

    // The next call for that key does not join the one under way.
    void forget(const Key& key) {
        std::lock_guard hold(guard_);
        flights_.erase(key);
    }

  private:
    struct flight {
        wait_group ended;
        // Under guard_ until it has ended, constant afterwards.
        result given;
        std::exception_ptr thrown;
        bool left = false;  // by goexit()
        int sharers = 0;    // besides the first
        std::vector<chan<result>> told;
    };

    // REQUIRES: guard_ held.
    std::shared_ptr<flight> begin(const Key& key) {
        auto mine = std::make_shared<flight>();
        mine->ended.add(1);
        flights_.emplace(key, mine);
        return mine;
    }

    template <class F>
    void run(flight& mine, const Key& key, F& f) {
        result got;
        try {
            if constexpr (std::is_convertible_v<std::invoke_result_t<F&>, Value>) {
                got.value = std::invoke(f);
            } else {
                auto [value, err] = std::invoke(f);
                got.value = std::move(value);
                got.err = std::move(err);
            }
        } catch (...) {
            if (detail::ends_by_goexit()) {
                finish(mine, key, {}, nullptr, true);
                throw;
            }
            finish(mine, key, {}, std::current_exception(), false);
            return;
        }
        finish(mine, key, std::move(got), nullptr, false);
    }

    void finish(flight& mine, const Key& key, result got, std::exception_ptr thrown, bool left) {
        {
            std::lock_guard hold(guard_);
            if (auto found = flights_.find(key); found != flights_.end() && found->second.get() == &mine)
                flights_.erase(found);
            mine.given = std::move(got);
            mine.given.shared = mine.sharers > 0;
            mine.thrown = std::move(thrown);
            mine.left = left;
        }
        if (!mine.thrown && !mine.left)
            for (chan<result>& answer : mine.told) answer.send(mine.given);
        mine.ended.done();
    }

    static result outcome(const flight& ended) {
        if (ended.thrown) std::rethrow_exception(ended.thrown);
        if (ended.left) goexit();
        return ended.given;
    }

    mutex guard_;
    std::unordered_map<Key, std::shared_ptr<flight>, Hash, Equal> flights_;  // under guard_
};

}  // namespace gossamer
