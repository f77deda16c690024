// SPDX-License-Identifier: BSL-1.0
// net: TCP and Unix streams in Go's manner.
//   auto [l, err] = net::listen("tcp", ":8080");
//   for (;;) {
//       auto [c, err] = l.accept();
//       if (err) return err;
//       go([c] { char buf[512]; for (;;) { auto [n, end] = c.read(buf); if (end || c.write({buf, n}).err) return; } });
//   }
#pragma once

#include "gossamer/net/addr.h"
#include "gossamer/net/conn.h"
#include "gossamer/net/dial.h"
#include "gossamer/os.h"
