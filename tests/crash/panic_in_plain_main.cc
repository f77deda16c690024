// SPDX-License-Identifier: BSL-1.0
// A panic that leaves main() of a program whose main is no goroutine [G7].
#include <gossamer/chan.h>
#include <gossamer/panic.h>

using namespace gossamer;

int main() {
    chan<int> c;
    c.close();
    c.send(1);
}
