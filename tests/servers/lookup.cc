// SPDX-License-Identifier: BSL-1.0
// getaddrinfo: a name each, of 10.0.x.y, which the name server answers late.
#include <arpa/inet.h>
#include <netdb.h>

#include <stdexcept>
#include <string>

#include "load.h"

int main(int argc, char** argv) {
    return load::run(argc, argv, [](int task) {
        for (int round = 0; round < 3; round++) {
            std::string name = "t" + std::to_string(task) + "r" + std::to_string(round) + ".example";
            addrinfo hints{}, *found = nullptr;
            hints.ai_family = AF_INET;
            hints.ai_socktype = SOCK_STREAM;
            if (int failed = getaddrinfo(name.c_str(), nullptr, &hints, &found))
                throw std::runtime_error(name + ": " + gai_strerror(failed));
            char text[INET_ADDRSTRLEN];
            inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(found->ai_addr)->sin_addr, text, sizeof text);
            freeaddrinfo(found);
            if (text != "10.0." + std::to_string(task) + "." + std::to_string(round))
                throw std::runtime_error("another's answer: " + std::string(text));
        }
    });
}
