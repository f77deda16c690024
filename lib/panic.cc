// SPDX-License-Identifier: BSL-1.0
#include "gossamer/panic.h"

#include <cxxabi.h>
#include <pthread.h>
#include <stdlib.h>
#include <unwind.h>

#include <mutex>

#include "runtime/debug/uncaught.h"
#include "runtime/sched/current.h"

namespace gossamer {

namespace detail {

struct panic_record : std::enable_shared_from_this<panic_record> {
    panic_record();
    ~panic_record();

    std::any value;
    std::string text;
    rt::panic_facts facts;
    std::shared_ptr<const panic_record>
        earlier;              // the panic that was being handled, or was on its way, when this one was made
    const void* const owner;  // the goroutine or thread that made it
    // The list of all live ones, newest first; under live_mutex.
    panic_record* newer = nullptr;
    panic_record* older = nullptr;
};

namespace {

constinit std::mutex live_mutex;
constinit panic_record* live = nullptr;  // under live_mutex

const void* this_execution() {
    rt::M* m = rt::current_m_or_null();
    return m != nullptr && m->curg != nullptr ? static_cast<const void*>(m->curg)
                                              : reinterpret_cast<const void*>(pthread_self());
}

// The one on its way in the caller. An exception in flight cannot be asked for, so it is the caller's newest.
std::shared_ptr<const panic_record> newest_of_caller() {
    const void* me = this_execution();
    std::lock_guard guard(live_mutex);
    for (panic_record* r = live; r != nullptr; r = r->older)
        if (r->owner == me)
            if (auto found = r->weak_from_this().lock()) return found;
    return nullptr;
}

}  // namespace

panic_record::panic_record() : owner(this_execution()) {
    std::lock_guard guard(live_mutex);
    older = live;
    if (older != nullptr) older->newer = this;
    live = this;
}

panic_record::~panic_record() {
    std::lock_guard guard(live_mutex);
    (newer != nullptr ? newer->older : live) = older;
    if (older != nullptr) older->newer = newer;
}

std::string type_and_address(const std::type_info& type, const void* value) {
    int status = 0;
    char* plain = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
    std::string text = "(" + std::string(status == 0 ? plain : type.name()) + ") " + to_text(value);
    ::free(plain);
    return text;
}

}  // namespace detail

namespace {

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* arg) {
    auto* facts = static_cast<rt::panic_facts*>(arg);
    if (facts->frame_count == rt::panic_facts::kMaxFrames) return _URC_END_OF_STACK;
    facts->frames[facts->frame_count++] = reinterpret_cast<void*>(_Unwind_GetIP(context));
    return _URC_NO_REASON;
}

// What the report says of the exception being handled; null when it is no panic.
const rt::panic_facts* describe() {
    try {
        throw;
    } catch (const panic& p) {
        return &p.record().facts;
    } catch (...) {
        return nullptr;
    }
}

}  // namespace

panic::panic(std::any value, std::string text) {
    std::shared_ptr<const detail::panic_record> earlier;
    bool recovered = false;
    if (std::current_exception() != nullptr) {
        try {
            throw;
        } catch (const panic& p) {
            earlier = p.record_;
            recovered = true;
        } catch (...) {
        }
    } else if (std::uncaught_exceptions() > 0) {
        earlier = detail::newest_of_caller();
    }
    auto record = std::make_shared<detail::panic_record>();
    record->value = std::move(value);
    record->text = std::move(text);
    record->facts.text = record->text.c_str();
    if (earlier != nullptr) {
        record->facts.earlier = &earlier->facts;
        record->facts.earlier_recovered = recovered;
        record->earlier = std::move(earlier);
    }
    _Unwind_Backtrace(note_frame, &record->facts);
    record_ = std::move(record);
    rt::set_panic_describer(describe);
}

const char* panic::what() const noexcept { return record_->text.c_str(); }
const std::any& panic::any_value() const noexcept { return record_->value; }

}  // namespace gossamer
