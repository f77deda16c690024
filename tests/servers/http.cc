// SPDX-License-Identifier: BSL-1.0
// libcurl against nginx, which sends slowly. argv[2]: an address whose answer is 65,536 times 'x'.
#include <curl/curl.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "load.h"

namespace {

size_t append(char* data, size_t size, size_t n, void* to) {
    static_cast<std::string*>(to)->append(data, size * n);
    return size * n;
}

}  // namespace

int main(int argc, char** argv) {
    curl_global_init(CURL_GLOBAL_ALL);
    return load::run(argc, argv, [&](int) {
        std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> c(curl_easy_init(), curl_easy_cleanup);
        for (int round = 0; round < 3; round++) {
            std::string body;
            curl_easy_setopt(c.get(), CURLOPT_URL, argc > 2 ? argv[2] : "");
            curl_easy_setopt(c.get(), CURLOPT_NOSIGNAL, 1L);
            curl_easy_setopt(c.get(), CURLOPT_WRITEFUNCTION, append);
            curl_easy_setopt(c.get(), CURLOPT_WRITEDATA, &body);
            if (CURLcode failed = curl_easy_perform(c.get())) throw std::runtime_error(curl_easy_strerror(failed));
            if (body != std::string(65536, 'x'))
                throw std::runtime_error("a wrong body of " + std::to_string(body.size()) + " bytes");
        }
    });
}
