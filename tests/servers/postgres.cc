// SPDX-License-Identifier: BSL-1.0
// libpq against PostgreSQL: connect, wait in the server, insert, read back. argv[2]: a connection string.
#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "load.h"

namespace {

using connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using result = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string ask(PGconn* c, const std::string& query) {
    result r(PQexec(c, query.c_str()), PQclear);
    if (PQresultStatus(r.get()) != PGRES_TUPLES_OK && PQresultStatus(r.get()) != PGRES_COMMAND_OK)
        throw std::runtime_error(query + ": " + PQerrorMessage(c));
    return PQntuples(r.get()) > 0 ? PQgetvalue(r.get(), 0, 0) : "";
}

}  // namespace

int main(int argc, char** argv) {
    std::string where = argc > 2 ? argv[2] : "";
    return load::run(argc, argv, [&](int task) {
        connection c(PQconnectdb(where.c_str()), PQfinish);
        if (PQstatus(c.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(c.get()));
        std::string number = std::to_string(task);
        for (int round = 0; round < 5; round++) {
            if (ask(c.get(), "select " + number + " + 1 from pg_sleep(0.02)") != std::to_string(task + 1))
                throw std::runtime_error("another's answer");
        }
        ask(c.get(), "insert into seen values (" + number + ")");
        if (ask(c.get(), "select count(*) from seen where task = " + number) == "0")
            throw std::runtime_error("what was inserted is not there");
    });
}
