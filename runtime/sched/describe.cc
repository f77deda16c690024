// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/describe.h"

#include "runtime/box/box.h"
#include "runtime/sched/sched.h"

namespace gossamer::rt {

namespace {

constinit describer* others = nullptr;

void describe_structs(description& d) {
    d.add("G.context", &G::context);
    d.add("G.stk", &G::stk);
    d.add("G.m", &G::m);
    d.add("G.invoke", &G::invoke);
    d.add("G.status", &G::status);
    d.add("G.reason", &G::reason);
    d.add("G.flags", &G::flags);
    d.add("G.id", &G::id);
    d.add("G.creator_id", &G::creator_id);
    d.add("G.creator_pc", &G::creator_pc);
    d.add("G.name", &G::name);
    d.add("G.wait_object", &G::wait_object);
    d.add("G.wait_since", &G::wait_since);
    d.add("G.param", &G::param);
    d.add("G.closure", &G::closure);
    d.add("G.size", 0, sizeof(G));
    d.add("P.next", &P::next);
    d.add("P.head", &P::head);
    d.add("P.tail", &P::tail);
    d.add("P.turn", &P::turn);
    d.add("P.tick", &P::tick);
    d.add("P.next_deadline", &P::next_deadline);
    d.add("P.created", &P::created);
    d.add("P.ended", &P::ended);
    d.add("P.m", &P::m);
    d.add("P.status", &P::status);
    d.add("P.id", &P::id);
    d.add("P.ring", &P::ring);
    d.add("M.in_runtime", &M::in_runtime);
    d.add("M.p", &M::p);
    d.add("M.g0_context", &M::g0_context);
    d.add("M.curg", &M::curg);
    d.add("M.trace", &M::trace);
    d.add("M.spinning", &M::spinning);
    d.add("M.is_thread", &M::is_thread);
    d.add("M.blocking", &M::blocking);
    d.add("M.tid", &M::tid);
    d.add("M.number", &M::number);
    d.add("M.parked", &M::parked);
    d.add("M.wait_histogram", &M::wait_histogram);
    d.add("M.events", &M::events);
    d.add("stack.base", &stack::base);
    d.add("stack.klass", &stack::klass);
    d.add("stack.colour", &stack::colour);
    for (size_t e = 0; e < size_t(event::kCount); e++) d.add((std::string("event.") + words(event(e))).c_str(), e, 0);
}

}  // namespace

void description::add(const char* name, size_t offset, size_t bytes) {
    text_ += std::string(name) + ' ' + std::to_string(offset) + ' ' + std::to_string(bytes) + '\n';
}

describer::describer(void (*f)(description&)) : fn(f), next(others) { others = this; }

void describe_runtime() {
    description d;
    describe_structs(d);
    for (describer* o = others; o != nullptr; o = o->next) o->fn(d);
    add_text(box::region_kind::text, d.text().data(), d.text().size());
}

}  // namespace gossamer::rt
