// SPDX-License-Identifier: BSL-1.0
#include <cctype>
#include <cstring>
#include <string>

#include "gossamer/error.h"
#include "gossamer/go.h"
#include "gossamer/select.h"
#include "gossamer/signal.h"

namespace gossamer::signal {

namespace {

// Which signal cancelled the context.
struct received_signal {
    int number;

    std::string message() const {
        const char* words = sigdescr_np(number);
        std::string text = words != nullptr ? words : "signal " + std::to_string(number);
        text[0] = char(std::tolower(static_cast<unsigned char>(text[0])));
        return text + " signal received";
    }
    bool is(const error& target) const { return target == context::canceled; }
};

}  // namespace

void stop_notify::operator()() const {
    cancel_(nullptr);
    signal::stop(c_);
}

notified_context notify_context(const context& parent, std::initializer_list<int> signals) {
    auto [ctx, cancel] = with_cancel_cause(parent);
    chan<int> c(1);
    notify(c, signals);
    if (!ctx.err()) {
        go([c, ctx = ctx, cancel = cancel] {
            switch (auto s = select(recv(c), recv(ctx.done())); s) {
                case 0:
                    cancel(errors::of(received_signal{*s.get<0>()}));
                    break;
                case 1:
                    break;
            }
        });
    }
    return {ctx, stop_notify(cancel, c)};
}

}  // namespace gossamer::signal
