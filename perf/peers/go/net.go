// SPDX-License-Identifier: BSL-1.0
// The two servers. The rows echo, idle_conns and http belong to the load client, which starts a server itself.

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// listen binds b.n, which for a server is its port. Go raises RLIMIT_NOFILE to the hard limit by itself.
func listen(b *bench) net.Listener {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(b.n))
	if err != nil {
		fail(err)
	}
	return l
}

func echoConn(c net.Conn) {
	defer c.Close()
	var buf [64]byte
	for {
		n, err := c.Read(buf[:])
		if err != nil {
			return
		}
		if _, err = c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func serveEcho(b *bench) {
	l := listen(b)
	for {
		c, err := l.Accept()
		if err != nil {
			fail(err)
		}
		go echoConn(c)
	}
}

func serveHTTP(b *bench) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	fail(http.Serve(listen(b), hello))
}

// loadClient becomes `load_client WORKLOAD SERVER PROCS [N]`, found beside this program or one folder up.
func loadClient(b *bench) {
	self, err := os.Executable()
	if err != nil {
		fail(err)
	}
	args := []string{"load_client", b.workload, self, strconv.Itoa(b.procs)}
	if b.n > 0 {
		args = append(args, strconv.Itoa(b.n))
	}
	dir := filepath.Dir(self)
	for _, d := range []string{dir, filepath.Dir(dir)} {
		err = syscall.Exec(filepath.Join(d, "load_client"), args, os.Environ())
	}
	fail(fmt.Errorf("load_client: %w", err))
}
