// SPDX-License-Identifier: BSL-1.0
// SQLite: everybody writes to one file and waits for the others' locks. argv[2]: its path.
#include <sqlite3.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "load.h"

namespace {

void run(sqlite3* db, const std::string& text) {
    if (sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        throw std::runtime_error(text + ": " + sqlite3_errmsg(db));
}

}  // namespace

int main(int argc, char** argv) {
    return load::run(argc, argv, [&](int task) {
        sqlite3* opened = nullptr;
        int failed = sqlite3_open(argc > 2 ? argv[2] : "", &opened);
        std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db(opened, sqlite3_close);
        if (failed != SQLITE_OK) throw std::runtime_error(sqlite3_errstr(failed));
        sqlite3_busy_timeout(db.get(), 60'000);
        run(db.get(), "pragma synchronous = off");
        std::string number = std::to_string(task);
        for (int round = 0; round < 3; round++) {
            run(db.get(), "begin immediate");
            run(db.get(), "insert into seen values (" + number + ")");
            run(db.get(), "commit");
        }
    });
}
