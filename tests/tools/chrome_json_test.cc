// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/chrome_json.h"

#include <doctest/doctest.h>

#include "tests/tools/file_bytes.h"
#include "tests/tools/random_window.h"
#include "tests/tools/small_window.h"

using namespace insp;
using namespace insp::testing;

namespace {

std::string json_of(const trace_window& w) {
    return bytes_of([&](FILE* out) { write_chrome_json(w, out); });
}

bool has_python() { return std::system("command -v python3 >/dev/null 2>&1") == 0; }

// Reads the file as JSON and runs `check` over the list `e` of its events; empty when all is well, else what python says.
std::string python(const std::string& json, const std::string& check) {
    scratch_file file(json), script("import json,sys\ne=json.load(open(sys.argv[1]))['traceEvents']\n" + check),
        said("");
    std::string command = std::string("python3 ") + script.path() + " " + file.path() + " > " + said.path() + " 2>&1";
    int status = std::system(command.c_str());
    return status == 0 ? "" : said.read() + " ";
}

// What holds for every file: slices of a row do not overlap, arrows end that began, b and e balance.
constexpr const char* kSound = R"(
import collections
rows, open_, flows, last = collections.defaultdict(list), collections.Counter(), set(), 0
for x in e:
    assert x['ph'] in 'XMbeisfC' and x['ts'] >= 0 and x['pid'] >= 0 and x['name'] is not None, x
    if x['ph'] == 'X': rows[x['tid']].append((round(x['ts'] * 1000), round((x['ts'] + x['dur']) * 1000)))
    if x['ph'] in 'be' and x.get('cat') not in ('region', 'task'):
        open_[x['cat'], x['name'], x['id']] += 1 if x['ph'] == 'b' else -1
        assert open_[x['cat'], x['name'], x['id']] in (0, 1), x
    if x['ph'] == 's': flows.add(x['id'])
    if x['ph'] == 'f': flows.remove(x['id'])
assert not +open_, open_
)";
// Numbers out of the blue do not fit into a double, so that only honest times are compared.
constexpr const char* kNested = R"(
for row in rows.values():
    row.sort()
    for (a, b), (c, d) in zip(row, row[1:]): assert b <= c, row
)";

}  // namespace

TEST_CASE("the JSON of a small program shows turns, waits, arrows and marks") {
    if (!has_python()) {
        MESSAGE("skipped: no python3");
        return;
    }
    CHECK(python(json_of(small_window()), std::string(kSound) + kNested + R"(
def one(**want):
    found = [x for x in e if all(x.get(k) == v for k, v in want.items())]
    assert len(found) == 1, (want, found)
    return found[0]
assert one(ph='M', tid=1, name='thread_name')['args']['name'] == 'P1'
assert one(ph='X', name='main')['dur'] == 9
assert one(ph='X', name='worker', ts=1.5)['dur'] == 0.5
wait = one(ph='b', name='waiting')
assert wait['ts'] == 2 and wait['args']['reason'] == 'sync.Mutex.Lock' and wait['args']['at'] == 'app::inlined_lock() (lock.h:5)', wait
lines = wait['args']['stack'].split('\n')
assert lines[0] == wait['args']['at'] and len(lines) >= 2, lines
assert one(ph='e', name='waiting')['ts'] == 5
ready = one(ph='i', name='ready worker')
begins = [x for x in e if x['ph'] == 's']
ends = [x for x in e if x['ph'] == 'f']
assert [x['tid'] for x in begins] == [0, 0] and [x['tid'] for x in ends] == [1, 1]
assert one(ph='i', name='key: value')['tid'] == 1
assert one(ph='b', cat='region')['name'] == 'parse'
assert one(ph='e', cat='task')['name'] == 'request'
assert one(ph='C', name='queue')['args']['value'] == -5
)") == "");
}

TEST_CASE("the JSON of any window is JSON, also of one that is damaged or false") {
    if (!has_python()) {
        MESSAGE("skipped: no python3");
        return;
    }
    for (uint64_t seed = 1; seed <= 8; seed++) {
        window_options o;
        o.clock_skew_ns = seed % 3 ? 0 : 5000;
        o.holes = seed % 5;
        o.cut_beginning = seed % 4 == 0;
        CAPTURE(seed);
        CHECK(python(json_of(random_window(seed, 1500, o)), std::string(kSound) + kNested) == "");
    }
    for (uint64_t seed = 1; seed <= 8; seed++) {
        CAPTURE(seed);
        CHECK(python(json_of(foreign_window(seed)), kSound) == "");
    }
    for (uint64_t seed = 9; seed <= 200; seed++) CHECK(json_of(foreign_window(seed)).ends_with("]}\n"));
}
