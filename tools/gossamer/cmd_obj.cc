// SPDX-License-Identifier: BSL-1.0
// obj: the objects that goroutines wait for.
#include <algorithm>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/graph_text.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/objects.h"
#include "tools/gossamer/screen.h"

namespace insp {

namespace {

struct view {
    const target& t;
    const snapshot& s;
    describer& names;
};

// What most of those who are named first do; the first few tell.
std::string place_of(const view& v, const waited_object& o) {
    for (size_t i = 0; i < o.waiters.size() && i < 8; i++)
        if (const std::string& place = v.names.place(v.s.goroutines[o.waiters[i]]); !place.empty()) return place;
    return "-";
}

std::string who_holds(const view& v, const mutex_facts& m) {
    if (!m.locked) return "free";
    if (!m.holder_known) return "locked";
    const goroutine* g = m.holder != 0 ? v.s.find(m.holder) : nullptr;
    if (g == nullptr) return "held by nobody alive, or a thread that runs";
    std::string text = "held by " + v.names.label(*g) + ", " + describer::state(*g);
    if (const std::string& place = v.names.place(*g); !place.empty()) text += " in " + place;
    return text;
}

std::string details(const view& v, const waited_object& o) {
    std::string text;
    auto add = [&](const std::string& fact) { text += (text.empty() ? "" : ", ") + fact; };
    const channel_facts& c = o.channel;
    if (c.count && c.capacity && c.is_timer != true)
        add(std::to_string(*c.count) + "/" + std::to_string(*c.capacity) + " full");
    if (c.is_timer == true) add("timer");
    if (c.closed == true) add("closed");
    if (c.handles) add(plural(*c.handles, "handle"));
    if (o.senders != 0) add(std::to_string(o.senders) + " to send");
    if (o.by_select != 0) add(std::to_string(o.by_select) + " by select");
    if (o.mutex && o.kind == object_kind::mutex) add(who_holds(v, *o.mutex));
    if (o.mutex && o.kind == object_kind::rw_mutex && o.mutex->locked) add("writer: " + who_holds(v, *o.mutex));
    if (o.readers) add(plural(uint64_t(std::max<int64_t>(*o.readers, 0)), "reader") + " hold or wait");
    return text.empty() ? "-" : text;
}

void print_text(const view& v, const std::vector<waited_object>& objects, size_t most) {
    if (objects.empty()) {
        std::puts("nobody waits for an object");
        return;
    }
    text_table table;
    table.add({"KIND", "ADDRESS", "WAITERS", "LONGEST", "WAITED FOR IN", "DETAILS"});
    for (size_t i = 0; i < objects.size() && i < most; i++) {
        const waited_object& o = objects[i];
        table.add({words(o.kind), hex(o.address), std::to_string(o.waiters.size()),
                   o.longest_ns >= 0 ? short_time(double(o.longest_ns)) : "-", place_of(v, o), details(v, o)});
    }
    std::fputs(table.text().c_str(), stdout);
    if (objects.size() > most)
        std::printf("and %s with fewer waiters (--most shows more)\n", plural(objects.size() - most, "object").c_str());
    if (const waited_object* o = find_convoy(objects))
        std::printf("convoy: %s at %s: %s have waited %s in all\n", words(o->kind), hex(o->address).c_str(),
                    plural(o->waiters.size(), "goroutine").c_str(), short_time(double(o->total_ns)).c_str());
}

void add_holder(json_writer& json, const view& v, const mutex_facts& m) {
    json.key("locked").boolean(m.locked);
    const goroutine* g = m.holder != 0 ? v.s.find(m.holder) : nullptr;
    if (!m.holder_known) return;
    json.key("holder");
    if (g == nullptr) {
        json.null();
        return;
    }
    json.begin_object().key("id").number(g->id).key("name").string(v.names.name(*g));
    json.key("state").string(describer::state(*g)).key("place").string(v.names.place(*g)).end_object();
}

void add_object(json_writer& json, const view& v, const waited_object& o) {
    json.begin_object().key("kind").string(words(o.kind)).key("address").string(hex(o.address));
    json.key("place").string(place_of(v, o)).key("waiters").number(uint64_t(o.waiters.size()));
    json.key("longest_ns");
    o.longest_ns >= 0 ? json.number(o.longest_ns) : json.null();
    json.key("total_ns").number(o.total_ns);
    const channel_facts& c = o.channel;
    if (c.count) json.key("len").number(*c.count);
    if (c.capacity) json.key("cap").number(*c.capacity);
    if (c.handles) json.key("handles").number(*c.handles);
    if (c.closed) json.key("closed").boolean(*c.closed);
    if (c.is_timer) json.key("timer").boolean(*c.is_timer);
    if (o.kind == object_kind::channel)
        json.key("senders").number(uint64_t(o.senders)).key("by_select").number(uint64_t(o.by_select));
    if (o.mutex) add_holder(json, v, *o.mutex);
    if (o.readers) json.key("readers").number(*o.readers);
    constexpr size_t kMostIds = 1000;
    json.key("goroutines").begin_array();
    for (size_t i = 0; i < o.waiters.size() && i < kMostIds; i++) json.number(v.s.goroutines[o.waiters[i]].id);
    json.end_array().end_object();
}

void print_json(const view& v, const std::vector<waited_object>& objects, size_t most) {
    std::string out;
    json_writer json(out);
    json.begin_object().key("pid").number(uint64_t(v.t.pid())).key("count").number(uint64_t(objects.size()));
    json.key("objects").begin_array();
    for (size_t i = 0; i < objects.size() && i < most; i++) add_object(json, v, objects[i]);
    json.end_array().key("convoy");
    if (const waited_object* o = find_convoy(objects))
        json.string(hex(o->address));
    else
        json.null();
    json.end_object();
    out += '\n';
    std::fwrite(out.data(), 1, out.size(), stdout);
}

int run(arguments& args) {
    bool as_json = args.flag("--json");
    size_t most = args.number("--most", 20, 1, 1'000'000);
    std::string name = args.positional("target");
    args.done();
    auto t = target::open(name);
    snapshot s = take_snapshot(*t);
    stack_map stacks(*t, s);
    std::vector<waited_object> objects = read_objects(*t, s, stacks);
    describer names(*t, s);
    view v{*t, s, names};
    as_json ? print_json(v, objects, most) : print_text(v, objects, most);
    return 0;
}

}  // namespace

const command obj_command = {
    "obj", "the objects that goroutines wait for: channels, mutexes, …",
    "usage: gossamer obj TARGET [--most N] [--json]\n\n"
    "Lists channels, mutexes, rw_mutexes, conditions, wait groups and semaphores for which somebody waits, most "
    "waiters\n"
    "first. A goroutine in a select stands at each of its channels.\n\n"
    "  --most N   so many objects (20)\n"
    "  --json     as JSON\n\n"
    "LONGEST  the longest wait that is known: the runtime stamps waits some time after they began\n"
    "DETAILS  of a channel: values in the buffer and room for them, handles that exist, how many want to send, or wait "
    "by\n"
    "         a select; of a mutex: who holds it, and what that goroutine does\n"
    "convoy   the object with the largest sum of waiting\n\n"
    "example: gossamer obj 4711 --most 5\n",
    run};

}  // namespace insp
