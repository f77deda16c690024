// SPDX-License-Identifier: BSL-1.0
// hiredis against Redis: set, get, and waits for lists that stay empty. argv[2]: the port.
#include <hiredis/hiredis.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "load.h"

namespace {

using connection = std::unique_ptr<redisContext, decltype(&redisFree)>;

struct reply {
    explicit reply(void* p) : r(static_cast<redisReply*>(p)) {}
    reply(const reply&) = delete;
    ~reply() {
        if (r != nullptr) freeReplyObject(r);
    }
    std::string text() const { return r != nullptr && r->str != nullptr ? r->str : ""; }
    redisReply* r;
};

}  // namespace

int main(int argc, char** argv) {
    int port = argc > 2 ? std::atoi(argv[2]) : 0;
    return load::run(argc, argv, [&](int task) {
        connection c(redisConnect("127.0.0.1", port), redisFree);
        if (c == nullptr || c->err != 0) throw std::runtime_error(c == nullptr ? "no memory" : c->errstr);
        for (int round = 0; round < 20; round++) {
            std::string value = std::to_string(task) + "/" + std::to_string(round);
            if (reply(redisCommand(c.get(), "SET key%d %s", task, value.c_str())).text() != "OK")
                throw std::runtime_error(c->errstr);
            if (reply(redisCommand(c.get(), "GET key%d", task)).text() != value)
                throw std::runtime_error("another's answer");
            if (round % 5 == 0) {
                reply none(redisCommand(c.get(), "BLPOP empty%d 0.03", task));
                if (none.r == nullptr || none.r->type != REDIS_REPLY_NIL) throw std::runtime_error("not empty");
            }
        }
    });
}
