// SPDX-License-Identifier: BSL-1.0
// socket: an fd that knows its two addresses, kept small: an idle connection holds one.
// Called by / on: a goroutine or a plain thread, outside the runtime.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>
#include <string>

#include "gossamer/error.h"
#include "gossamer/net/addr.h"
#include "lib/net/fd.h"

namespace gossamer::detail {

int last_errno();
void clear_errno();

// An address as small as it can be. Unix names are kept apart: few sockets have one.
struct endpoint {
    std::array<uint8_t, 16> ip{};
    uint32_t scope = 0;
    uint16_t port = 0;
    bool inet = false;
    net::addr to_addr() const { return inet ? net::addr(ip, scope, port) : net::addr(); }
    net::addr to_addr(uint16_t with_port) const { return inet ? net::addr(ip, scope, with_port) : net::addr(); }
};
endpoint from_sockaddr(const sockaddr* from, socklen_t size);
// The name of a Unix socket: "@" for none, "@abstract" or a path.
std::string unix_name(const sockaddr_un& from, socklen_t size);

union any_sockaddr {
    sockaddr base;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un un;
};
// family AF_INET or AF_INET6 for addresses of TCP. 0 when a Unix path is too long.
socklen_t to_sockaddr(const net::addr& a, int family, any_sockaddr* out);

class socket final : public fd {
  public:
    // network: a literal. `names`: the Unix names (local, remote), else null.
    struct unix_names {
        std::string local, remote;
        bool unlink_local = false;
    };
    socket(int number, fd_kind kind, rt::poll_desc* desc, const char* network, const endpoint& local,
           const endpoint& remote, std::unique_ptr<unix_names> names)
        : fd(number, kind, desc), network_(network), local_(local), remote_(remote), names_(std::move(names)) {}
    ~socket() override;

    const char* network() const { return network_; }
    net::addr local() const { return names_ ? net::addr::unix_socket(names_->local) : local_.to_addr(); }
    net::addr remote() const { return names_ ? net::addr::unix_socket(names_->remote) : remote_.to_addr(); }
    const endpoint& local_endpoint() const { return local_; }
    bool is_tcp() const { return names_ == nullptr; }
    // A listener's close takes its path out of the file system, once.
    void unlink_path();

    // What the fd says, as an error of the operation; io::eof stays itself.
    [[gnu::noinline]] error explain(const char* op, int number) const;
    // The same for a listener, which has one address; call names the system call.
    [[gnu::noinline]] error explain_listener(const char* op, const char* call, int number) const;

  private:
    const char* const network_;
    const endpoint local_, remote_;
    const std::unique_ptr<unix_names> names_;
    rt::atomic<bool> unlinked_{false};
};

// An errno value or a code of fd.h as the cause of an op_error.
error net_cause(const char* call, int number);

// A socket on the poller, with its local address; or why not. Takes over the number, also when it fails.
struct socket_result {
    fd_ref<socket> s;
    int error = 0;
    const char* call = "";
};
socket_result adopt_socket(int number, fd_kind kind, const char* network, const endpoint* local, const endpoint& remote,
                           std::unique_ptr<socket::unix_names> names);
// The local address of a TCP socket; empty when the kernel does not say.
endpoint local_of(int number);
// No delay, keep-alive 15 s, 15 s, 9 times (SEMANTICS N16).
void set_tcp_defaults(int number);

}  // namespace gossamer::detail
