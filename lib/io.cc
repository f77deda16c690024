// SPDX-License-Identifier: BSL-1.0
#include "gossamer/io.h"

#include <algorithm>
#include <mutex>

#include "gossamer/cond.h"
#include "gossamer/mutex.h"

namespace gossamer::io {
namespace {

constexpr size_t kCopyBuffer = 32 << 10;
constexpr size_t kReadAllStart = 512;

}  // namespace

namespace detail {

result copy(writer_ref to, reader_ref from, size_t most) {
    // On the heap: a goroutine's stack would keep the pages.
    size_t size = std::min(most, kCopyBuffer);
    std::unique_ptr<char[]> room(new char[size]);
    size_t done = 0;
    while (done < most) {
        auto [n, err] = from.read({room.get(), std::min(size, most - done)});
        if (n > 0) {
            auto [written, write_err] = to.write({room.get(), n});
            done += written;
            if (!write_err && written < n) write_err = err_short_write;
            if (write_err) return {done, std::move(write_err)};
        }
        if (err) return {done, err == eof ? error() : std::move(err)};
    }
    return {done, nullptr};
}

result read_at_least(reader_ref from, buffer b, size_t least) {
    if (b.size() < least) return {0, err_short_buffer};
    size_t done = 0;
    while (done < least) {
        auto [n, err] = from.read(b.from(done));
        done += n;
        if (err && done < least) return {done, err == eof && done > 0 ? err_unexpected_eof : std::move(err)};
    }
    return {done, nullptr};
}

// Invariants: 1 one writer at a time is past `turn`. 2 `offered` is set while a write's bytes are to be taken; they lie in that
// writer's frame, which waits until `offered` is false. 3 `left` is what readers have not taken yet.
struct pipe_core {
    mutex turn;
    mutex guard;
    cond something_offered{guard};
    cond all_taken{guard};
    // Under guard.
    bytes left;
    bool offered = false;
    bool reader_closed = false;
    bool writer_closed = false;
    error for_readers;  // why reads fail
    error for_writers;
};

}  // namespace detail

contents read_all(reader_ref from) {
    std::string data;
    size_t used = 0;
    for (;;) {
        if (used == data.size()) data.resize(std::max(kReadAllStart, 2 * used));
        auto [n, err] = from.read({data.data() + used, data.size() - used});
        used += n;
        if (err) {
            data.resize(used);
            return {std::move(data), err == eof ? error() : std::move(err)};
        }
    }
}

result limit_reader::read(buffer b) {
    if (left_ == 0) return {0, eof};
    result r = from_.read(b.first(std::min(b.size(), left_)));
    left_ -= r.n;
    return r;
}

result string_reader::read(buffer b) {
    if (left_.empty() && !b.empty()) return {0, eof};
    size_t n = left_.copy(b.chars(), b.size());
    left_.remove_prefix(n);
    return {n, nullptr};
}

std::pair<pipe_reader, pipe_writer> pipe() {
    auto core = std::make_shared<detail::pipe_core>();
    return {pipe_reader(core), pipe_writer(core)};
}

result pipe_reader::read(buffer b) const {
    std::lock_guard hold(core_->guard);
    for (;;) {
        if (core_->reader_closed) return {0, err_closed_pipe};
        if (core_->offered) break;
        if (core_->writer_closed) return {0, core_->for_readers};
        core_->something_offered.wait();
    }
    size_t n = std::min(b.size(), core_->left.size());
    if (n > 0) std::memcpy(b.data(), core_->left.data(), n);
    core_->left = core_->left.from(n);
    if (core_->left.empty()) {
        core_->offered = false;
        core_->all_taken.signal();
    }
    return {n, nullptr};
}

void pipe_reader::close_with_error(error err) const {
    std::lock_guard hold(core_->guard);
    if (!core_->reader_closed) {
        core_->reader_closed = true;
        core_->for_writers = err ? std::move(err) : err_closed_pipe;
    }
    core_->something_offered.broadcast();
    core_->all_taken.broadcast();
}

result pipe_writer::write(bytes b) const {
    std::lock_guard turn(core_->turn);
    std::lock_guard hold(core_->guard);
    if (core_->writer_closed) return {0, err_closed_pipe};
    if (core_->reader_closed) return {0, core_->for_writers};
    core_->left = b;
    core_->offered = true;
    core_->something_offered.signal();
    while (core_->offered && !core_->reader_closed && !core_->writer_closed) core_->all_taken.wait();
    if (!core_->offered) return {b.size(), nullptr};
    core_->offered = false;
    return {b.size() - core_->left.size(), core_->reader_closed ? core_->for_writers : err_closed_pipe};
}

void pipe_writer::close_with_error(error err) const {
    std::lock_guard hold(core_->guard);
    if (!core_->writer_closed) {
        core_->writer_closed = true;
        core_->for_readers = err ? std::move(err) : eof;
    }
    core_->something_offered.broadcast();
    core_->all_taken.broadcast();
}

}  // namespace gossamer::io
