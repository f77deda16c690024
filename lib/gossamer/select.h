// SPDX-License-Identifier: BSL-1.0
// select: waits until one of several channel operations can go on, and does exactly that one (SEMANTICS A4). Among several that can,
// the choice is uniformly random; select_in_order() takes the first. With `otherwise` it does not wait. A nil channel's case is never
// ready. Throws panic "send on closed channel" when it chooses such a send. Cases: select_cases.h.
//   switch (auto s = select(recv(jobs), recv(quit), send(out, v), otherwise); s) {
//   case 0: { auto [job, ok] = s.get<0>(); … break; }
//   case 1: return;
//   case 2: continue;
//   case 3: idle();
//   }
//   switch (select(recv(a, x), recv(b, y, ok))) { case 0: … case 1: … }
//   switch (auto s = select(recv<"job">(jobs), recv<"quit">(quit)); s) { case s.is<"job">(): run(*s.get<"job">()); break; … }
//   select(on(jobs, [&](job j, bool ok) { … }), to(out, v, [&] { … }), otherwise([&] { … }));
// The condition of the switch is an enumeration of the cases (up to 16): -Wswitch, part of -Wall, tells a forgotten number and one
// that does not exist; s.get<I>() and s.is<"name">() of a case that does not exist do not compile.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <tuple>
#include <utility>

#include "gossamer/select_any.h"
#include "gossamer/select_cases.h"

namespace gossamer {
namespace detail {

// The numbers of N cases as an enumeration, so that -Wswitch knows them.
template <std::size_t N>
struct case_numbers {
    using type = unsigned;
};
// clang-format off
template <> struct case_numbers<1> { enum type : unsigned { _0 }; };
template <> struct case_numbers<2> { enum type : unsigned { _0, _1 }; };
template <> struct case_numbers<3> { enum type : unsigned { _0, _1, _2 }; };
template <> struct case_numbers<4> { enum type : unsigned { _0, _1, _2, _3 }; };
template <> struct case_numbers<5> { enum type : unsigned { _0, _1, _2, _3, _4 }; };
template <> struct case_numbers<6> { enum type : unsigned { _0, _1, _2, _3, _4, _5 }; };
template <> struct case_numbers<7> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6 }; };
template <> struct case_numbers<8> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7 }; };
template <> struct case_numbers<9> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8 }; };
template <> struct case_numbers<10> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8, _9 }; };
template <> struct case_numbers<11> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10 }; };
template <> struct case_numbers<12> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11 }; };
template <> struct case_numbers<13> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12 }; };
template <> struct case_numbers<14> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13 }; };
template <> struct case_numbers<15> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14 }; };
template <> struct case_numbers<16> { enum type : unsigned { _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15 }; };
// clang-format on

// What is known of a list of cases before it runs.
template <class... Cases>
struct case_list {
    static constexpr std::size_t kCount = sizeof...(Cases);
    static constexpr std::array<role, kCount> kRoles{Cases::kRole...};
    static constexpr std::array<std::string_view, kCount> kNames{Cases::kName...};
    static constexpr bool kHandlers = (Cases::kHandler || ...);

    static constexpr std::size_t of_role(bool otherwise) {
        std::size_t i = 0;
        while (i < kCount && (kRoles[i] == role::otherwise) != otherwise) i++;
        return i;
    }
    static constexpr std::size_t count(std::string_view name) {
        return static_cast<std::size_t>(std::count(kNames.begin(), kNames.end(), name));
    }
    static constexpr std::size_t find(std::string_view name) {
        return static_cast<std::size_t>(std::find(kNames.begin(), kNames.end(), name) - kNames.begin());
    }
    static constexpr bool names_differ() {
        for (std::string_view name : kNames)
            if (!name.empty() && count(name) != 1) return false;
        return true;
    }

    static constexpr std::size_t kOtherwise = of_role(true);      // kCount when there is none
    static constexpr std::size_t kOneOperation = of_role(false);  // the first that is an operation
    static constexpr std::size_t kOperations =
        static_cast<std::size_t>(kCount - std::count(kRoles.begin(), kRoles.end(), role::otherwise));
    static_assert(kCount - kOperations <= 1, "select: more than one otherwise");
    static_assert(kCount < 65536, "select: more than 65,535 cases");  // SE13
    static_assert(names_differ(), "select: two cases of one name");
};

struct chosen_case {
    std::size_t index;
    bool ok;
};

// One operation alone is that operation; with otherwise it is its non-blocking form (SE13).
template <class List>
chosen_case run_one(const rt::select_op& op) {
    constexpr std::size_t kOne = List::kOneOperation;
    constexpr bool kSends = List::kRoles[kOne] == role::send;
    if constexpr (List::kOtherwise == List::kCount) {
        if constexpr (kSends)
            return rt::chan_send(op.chan, op.slot), chosen_case{kOne, true};
        else
            return {kOne, rt::chan_recv(op.chan, op.slot)};
    } else if constexpr (kSends) {
        return {rt::chan_try_send(op.chan, op.slot) ? kOne : List::kOtherwise, true};
    } else {
        if (rt::receive_would_block(op.chan)) return {List::kOtherwise, false};
        rt::try_outcome got = rt::chan_try_recv(op.chan, op.slot);
        return {got != rt::try_outcome::not_ready ? kOne : List::kOtherwise, got == rt::try_outcome::done};
    }
}

template <rt::select_order Order, class... Cases>
chosen_case run_select(Cases&... cases) {
    using list = case_list<Cases...>;
    chosen_case chosen{list::kOtherwise, false};
    if constexpr (list::kOperations == 1) {
        chosen = run_one<list>(std::get<list::kOneOperation>(std::tie(cases...)).op());
    } else if constexpr (list::kOperations > 1) {
        const rt::select_op ops[] = {cases.op()...};
        constexpr auto kKind = list::kOtherwise == list::kCount ? rt::select_kind::blocking : rt::select_kind::trying;
        rt::select_result r = rt::select_run(ops, list::kCount, kKind, Order);
        chosen = {r.index == rt::kNoneReady ? list::kOtherwise : r.index, r.ok};
    }
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        static_cast<void>(((chosen.index == I && (cases.settle(chosen.ok), true)) || ...));
    }
    (std::index_sequence_for<Cases...>());
    return chosen;
}

// What get() can reach in a case: nothing, or a received<T>.
template <class Case>
struct value_of_case {
    static constexpr std::size_t kSize = 0;
    static constexpr std::size_t kAlign = 1;
};
template <class Case>
requires Case::kHasValue struct value_of_case<Case> {
    using type = received<typename Case::value_type>;
    static constexpr std::size_t kSize = sizeof(type);
    static constexpr std::size_t kAlign = alignof(type);
};

}  // namespace detail

// What select() gives: which case went on, and the value it received. Lives on the caller's stack, cannot be copied or moved.
template <class... Cases>
class selection {
    using list = detail::case_list<Cases...>;
    template <std::size_t I>
    using case_at = std::tuple_element_t<I, std::tuple<Cases...>>;
    template <std::size_t I>
    using value_at = typename detail::value_of_case<case_at<I>>::type;

  public:
    using number = typename detail::case_numbers<list::kCount>::type;

    template <rt::select_order Order>
    selection(std::integral_constant<rt::select_order, Order>, Cases&... cases)
        : index_(static_cast<number>(detail::run_select<Order>(cases...).index)) {
        std::tuple<Cases&...> all(cases...);
        on_value([&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
            ::new (static_cast<void*>(room_)) value_at<I>(std::get<I>(all).take());
        });
    }
    selection(const selection&) = delete;
    selection& operator=(const selection&) = delete;
    ~selection() {
        on_value([&]<std::size_t I>(std::integral_constant<std::size_t, I>) { std::destroy_at(value<I>()); });
    }

    // For the switch: the number of the case that went on.
    operator number() const noexcept { return index_; }
    std::size_t index() const noexcept { return static_cast<std::size_t>(index_); }

    // What case I received, moved out: `auto [v, ok] = s.get<0>();`. Throws panic when another case went on.
    template <std::size_t I>
    auto get() {
        static_assert(I < list::kCount, "select: get<I>() of a case that does not exist");
        static_assert(case_at<I>::kHasValue, "select: get<I>() of a case that keeps no value: only recv(c) does");
        if (index() != I) [[unlikely]]
            detail::throw_not_chosen();
        return value_at<I>(std::move(*value<I>()));
    }
    template <detail::case_name Name>
    auto get() {
        return get<static_cast<std::size_t>(is<Name>())>();
    }
    // The number of the case of that name, for a case label.
    template <detail::case_name Name>
    static consteval number is() {
        static_assert(list::find(Name.view()) < list::kCount, "select: no case of this name");
        return static_cast<number>(list::find(Name.view()));
    }

  private:
    template <std::size_t I>
    value_at<I>* value() noexcept {
        return std::launder(reinterpret_cast<value_at<I>*>(room_));
    }
    // f(I) when the case that went on is one with a value.
    template <class F>
    void on_value(F f) {
        [&]<std::size_t... I>(std::index_sequence<I...>) { (on_value_of<I>(f), ...); }
        (std::index_sequence_for<Cases...>());
    }
    template <std::size_t I, class F>
    void on_value_of(F& f) {
        if constexpr (case_at<I>::kHasValue)
            if (index() == I) f(std::integral_constant<std::size_t, I>());
    }

    number index_;
    alignas(std::max({std::size_t{1}, detail::value_of_case<Cases>::kAlign...}))
        std::byte room_[std::max({std::size_t{1}, detail::value_of_case<Cases>::kSize...})];
};

namespace detail {

template <rt::select_order Order, class... Cases>
auto run_cases(Cases&... cases) {
    if constexpr (case_list<Cases...>::kHandlers) {
        std::size_t chosen = run_select<Order>(cases...).index;
        std::size_t i = 0;
        static_cast<void>(((i++ == chosen && (cases.call(), true)) || ...));
    } else {
        return selection<Cases...>(std::integral_constant<rt::select_order, Order>(), cases...);
    }
}

}  // namespace detail

template <detail::select_case_type... Cases>
requires(sizeof...(Cases) > 0) auto select(Cases&&... cases) {
    return detail::run_cases<rt::select_order::random>(cases...);
}
template <detail::select_case_type... Cases>
requires(sizeof...(Cases) > 0) auto select_in_order(Cases&&... cases) {
    return detail::run_cases<rt::select_order::in_order>(cases...);
}
// Blocks for ever.
[[noreturn]] inline void select() { rt::select_for_ever(); }

}  // namespace gossamer
