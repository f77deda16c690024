// SPDX-License-Identifier: BSL-1.0
// select_any: a select over a set of cases that is made while the program runs (Go's reflect.Select).
//   std::vector<select_case> cases;
//   cases.emplace_back(recv(a));            // value by cases[i].get<T>()
//   cases.emplace_back(recv(b, x, ok));     // or into variables
//   cases.emplace_back(send(c, v));         // v is sent anew each time it is chosen, where T can be copied
//   cases.emplace_back(otherwise);
//   std::size_t i = select_any(cases);
// A select_case owns a handle of its channel and may be used again and again, by one goroutine at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "gossamer/select_cases.h"

namespace gossamer {
namespace detail {

[[noreturn]] void throw_not_chosen();

struct any_case_body {
    virtual ~any_case_body() = default;
    virtual rt::select_op begin() = 0;  // may run a user's copy constructor
    virtual void settle(bool ok) = 0;
    virtual bool is_otherwise() const noexcept { return false; }
};

// Where select_case::get<T>() looks.
template <class T>
struct any_value {
    virtual ~any_value() = default;
    std::optional<received<T>> last;
};

template <class T>
class any_recv final : public any_case_body, public any_value<T> {
  public:
    explicit any_recv(rt::chan_header* c) : keep_(rt::chan_handle::share(c)), case_(c) {}
    rt::select_op begin() override { return case_.op(); }
    void settle(bool ok) override {
        case_.settle(ok);
        this->last.emplace(case_.take());
    }

  private:
    rt::chan_handle keep_;
    receive_case<T> case_;
};

template <class T, class X>
class any_recv_into final : public any_case_body {
  public:
    any_recv_into(rt::chan_header* c, const into<T, X>& to)
        : keep_(rt::chan_handle::share(c)), case_(c, to.value, to.ok) {}
    rt::select_op begin() override { return case_.op(); }
    void settle(bool ok) override { case_.settle(ok); }

  private:
    rt::chan_handle keep_;
    recv_into_case<T, X> case_;
};

template <class T>
class any_send final : public any_case_body {
  public:
    any_send(rt::chan_header* c, slot<T>&& value) : keep_(rt::chan_handle::share(c)), value_(std::move(value)) {}
    rt::select_op begin() override {
        if constexpr (std::copy_constructible<T>) {
            if constexpr (kBoxed<T>)
                copy_.emplace(make_slot<T>(std::as_const(*value_)));
            else
                copy_.emplace(std::as_const(value_));
            return {keep_.get(), static_cast<void*>(std::addressof(*copy_)), true};
        } else {
            return {keep_.get(), static_cast<void*>(std::addressof(value_)), true};
        }
    }
    void settle(bool) override {}

  private:
    rt::chan_handle keep_;
    slot<T> value_;
    std::optional<slot<T>> copy_;
};

class any_otherwise final : public any_case_body {
  public:
    rt::select_op begin() override { return {}; }
    void settle(bool) override {}
    bool is_otherwise() const noexcept override { return true; }
};

template <class T>
std::unique_ptr<any_case_body> to_any(recv_case<T>& c) {
    return std::make_unique<any_recv<T>>(c.op().chan);
}
template <class T, class X>
std::unique_ptr<any_case_body> to_any(recv_into_case<T, X>& c) {
    return std::make_unique<any_recv_into<T, X>>(c.op().chan, c.destination());
}
template <class T>
std::unique_ptr<any_case_body> to_any(send_case<T>& c) {
    return std::make_unique<any_send<T>>(c.op().chan, std::move(c.value()));
}
inline std::unique_ptr<any_case_body> to_any(const otherwise_t&) { return std::make_unique<any_otherwise>(); }

}  // namespace detail

class select_case {
  public:
    // From recv(c), recv(c, x), recv(c, x, ok), send(c, v), otherwise.
    template <detail::select_case_type Case>
    requires(!std::remove_cvref_t<Case>::kHandler) select_case(Case&& c) : body_(detail::to_any(c)) {}

    // What recv(c) received when select_any() chose it last, moved out. Throws panic when it was not chosen, or T is another type.
    template <class T>
    received<T> get() {
        auto* b = dynamic_cast<detail::any_value<T>*>(body_.get());
        if (b == nullptr || !b->last.has_value()) detail::throw_not_chosen();
        received<T> r = std::move(*b->last);
        b->last.reset();
        return r;
    }

  private:
    friend std::size_t select_any(std::span<select_case> cases);
    std::unique_ptr<detail::any_case_body> body_;
};

// Returns the index of the case that went on; that of `otherwise` when there is one and nothing was ready. An empty set blocks for
// ever. Throws panic for two `otherwise` and for more than 65,536 cases (SE13), std::bad_alloc.
std::size_t select_any(std::span<select_case> cases);

}  // namespace gossamer
