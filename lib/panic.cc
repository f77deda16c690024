// SPDX-License-Identifier: BSL-1.0
#include "gossamer/panic.h"

#include <cxxabi.h>
#include <stdlib.h>
#include <unwind.h>

#include "runtime/debug/uncaught.h"

namespace gossamer {

namespace detail {

struct panic_record {
    std::any value;
    std::string text;
    rt::panic_facts facts;
    std::shared_ptr<const panic_record> earlier;  // the panic that was being handled when this one was made
};

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
    auto record = std::make_shared<detail::panic_record>();
    record->value = std::move(value);
    record->text = std::move(text);
    record->facts.text = record->text.c_str();
    if (std::current_exception() != nullptr) {
        try {
            throw;
        } catch (const panic& p) {
            record->earlier = p.record_;
            record->facts.earlier = &p.record_->facts;
        } catch (...) {
        }
    }
    _Unwind_Backtrace(note_frame, &record->facts);
    record_ = std::move(record);
    rt::set_panic_describer(describe);
}

const char* panic::what() const noexcept { return record_->text.c_str(); }
const std::any& panic::any_value() const noexcept { return record_->value; }

}  // namespace gossamer
