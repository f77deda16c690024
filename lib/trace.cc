// SPDX-License-Identifier: BSL-1.0
#include "gossamer/trace.h"

#include <cerrno>

#include "gossamer/os.h"
#include "lib/os/errors.h"
#include "runtime/sched/trace.h"

namespace gossamer::trace {

namespace {

rt::atomic<std::uint64_t> last_task{0};

error written(int failed, const std::string& path) {
    return failed == 0 ? nullptr : errors::of(os::path_error{"trace", path, detail::errno_error("", failed)});
}

// start_runtime() has made the box by then.
bool ready() {
    rt::in_runtime scope;
    return rt::box_path()[0] != 0;
}

}  // namespace

error start(start_options how) {
    if (!ready())
        return errors::make("trace: start: there is no box to record into (GOSSAMER_BOX=off, or no /dev/shm)");
    if (enabled()) return errors::make("trace: start: records already");
    if (how.ring_bytes != 0 && (how.ring_bytes < 64 << 10 || how.ring_bytes > 1 << 30))
        return errors::make("trace: start: a ring of {} bytes: not 64 KiB to 1 GiB", how.ring_bytes);
    rt::the_box()->wanted.ring_bytes.store(std::uint32_t(how.ring_bytes));
    rt::set_recorder(how.stacks ? rt::kStacksLevel : rt::kEventsLevel);
    return nullptr;
}

error stop(const std::string& path) {
    if (!enabled()) return errors::make("trace: stop: nothing is being recorded");
    rt::set_recorder(0);
    return written(rt::save_box(path.c_str()), path);
}

error save(const std::string& path) {
    if (!enabled()) return errors::make("trace: save: nothing is being recorded");
    return written(rt::save_trace(path.c_str()), path);
}

bool enabled() noexcept {
    const rt::box::header* box = rt::the_box();
    return box != nullptr && box->recorder_level.load(rt::relaxed) != 0;  // pairs with nothing: late is as good
}

region::region(std::string_view name) {
    if (!enabled()) return;
    name_ = name;
    begun_ = true;
    rt::trace_text(rt::box::kind::region_begin, 0, 0, name.data(), name.size());
}

region::~region() {
    if (begun_) rt::trace_text(rt::box::kind::region_end, 0, 0, name_.data(), name_.size());
}

task::task(std::string_view name, const task* parent) : id_(last_task.fetch_add(1) + 1) {
    rt::trace_text(rt::box::kind::task_begin, id_, parent != nullptr ? parent->id_ : 0, name.data(), name.size());
}

task& task::operator=(task&& other) noexcept {
    if (this != &other) {
        end();
        id_ = other.id_;
        other.id_ = 0;
    }
    return *this;
}

void task::end() noexcept {
    if (id_ != 0) rt::trace_text(rt::box::kind::task_end, id_, 0, nullptr, 0);
    id_ = 0;
}

void log(std::string_view category, std::string_view text, const task* of) {
    if (!enabled()) return;
    std::string both(category);
    both += '\0';
    both += text;
    rt::trace_text(rt::box::kind::log, of != nullptr ? of->id() : 0, 0, both.data(), both.size());
}

void counter(std::string_view name, std::int64_t value) {
    rt::trace_text(rt::box::kind::counter, 0, std::uint64_t(value), name.data(), name.size());
}

}  // namespace gossamer::trace
