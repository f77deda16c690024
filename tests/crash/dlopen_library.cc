// SPDX-License-Identifier: BSL-1.0
// A program that knows nothing of Gossamer loads a plug-in that uses it, closes it and loads it again. The library itself stays: its threads run.
#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

static void load_and_use(const std::string& path, const char* who) {
    void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    auto use = plugin != nullptr ? reinterpret_cast<void (*)(const char*)>(dlsym(plugin, "use_gossamer")) : nullptr;
    if (use == nullptr) {
        std::printf("%s\n", dlerror());
        std::exit(1);
    }
    std::thread(use, who).join();  // a thread that has used the library and lives would hold it
    dlclose(plugin);
    if (dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD) != nullptr) std::exit(2);  // the plug-in is really gone
    std::puts("closed");
}

int main() {
    char self[PATH_MAX] = {};
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 1;
    std::string folder = self;
    std::string path = folder.substr(0, folder.rfind('/')) + "/libplugin.so";
    load_and_use(path, "loaded: ");
    load_and_use(path, "loaded again: ");
    return 0;
}
