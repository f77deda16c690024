// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <gossamer/os.h>
#include <gossamer/unit.h>
#include <gossamer/wait_group.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;
using tests::on_goroutine;

namespace {

// A path in the temporary folder, gone at the end.
class temporary {
  public:
    temporary() : path_("/tmp/gossamer-file-" + std::to_string(::getpid())) { ::unlink(path_.c_str()); }
    ~temporary() { ::unlink(path_.c_str()); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

chan<io::result> read_in_background(const os::file& f) {
    chan<io::result> out(1);
    go([f, out] {
        char byte[1];
        out.send(f.read(byte));
    });
    return out;
}

auto past() { return std::chrono::steady_clock::time_point(1ns); }

}  // namespace

TEST_CASE("a file is written, read, moved in and measured") {
    on_goroutine([] {
        temporary t;
        auto [f, err] = os::create(t.path());
        REQUIRE(err.message() == "");
        CHECK(f.name() == t.path());
        CHECK(f.write("hello world").n == 11);
        CHECK(f.seek(6, SEEK_SET).offset == 6);
        char room[16];
        auto [n, read_err] = f.read(room);
        CHECK(std::string_view(room, n) == "world");
        CHECK(f.read(room).err == io::eof);
        CHECK(f.size().offset == 11);
        CHECK(!f.truncate(5));
        CHECK(f.size().offset == 5);
        CHECK(!f.sync());
        CHECK(!f.close());
    });
}

TEST_CASE("read_at and write_at do not move the file and go in parallel [N36]") {
    on_goroutine([] {
        temporary t;
        auto [f, err] = os::create(t.path());
        REQUIRE(!err);
        wait_group writers;
        for (int i = 0; i < 8; i++)
            writers.go(
                [f = f, i] { CHECK(f.write_at(std::string(1000, static_cast<char>('a' + i)), 1000 * i).n == 1000); });
        writers.wait();
        CHECK(f.seek(0, SEEK_CUR).offset == 0);
        std::string part(2000, 0);
        CHECK(!f.read_at(part, 500).err);
        CHECK(part == std::string(500, 'a') + std::string(1000, 'b') + std::string(500, 'c'));
        auto [n, end] = f.read_at(part, 7000);
        CHECK(n == 1000);
        CHECK(end == io::eof);
        CHECK(f.read_at(part, -1).err.message() == "readat " + t.path() + ": negative offset");
    });
}

TEST_CASE("whole files are read and written, those without a size among them") {
    on_goroutine([] {
        temporary t;
        std::string data(300'000, 'd');
        CHECK(!os::write_file(t.path(), data));
        CHECK(os::read_file(t.path()).data == data);
        CHECK(os::read_file("/proc/self/cmdline").data.size() > 1);
        CHECK(os::read_file("/dev/null").data.empty());
    });
}

TEST_CASE("errors name the call, the path and the reason; they match what Go's do") {
    on_goroutine([] {
        error err = os::open("/nowhere/at/all").err;
        CHECK(err.message() == "open /nowhere/at/all: no such file or directory");
        CHECK(errors::is(err, os::err_not_exist));
        CHECK(errors::is(err, std::errc::no_such_file_or_directory));
        CHECK(errors::as<os::path_error>(err)->path == "/nowhere/at/all");
        temporary t;
        CHECK(!os::write_file(t.path(), "x"));
        CHECK(errors::is(os::open_file(t.path(), O_CREAT | O_EXCL | O_RDWR).err, os::err_exist));
        CHECK(os::open(std::string_view("a\0b", 3)).err.message().ends_with("invalid argument"));
        auto [dir, dir_err] = os::open("/tmp");
        CHECK(!dir_err);
        char room[1];
        CHECK(dir.read(room).err.message() == "read /tmp: is a directory");
        os::file none;
        CHECK(none.read(room).err == os::err_invalid);
        CHECK(none.close() == os::err_invalid);
    });
}

TEST_CASE("a number that is no descriptor, or that somebody else closed, is an error that says so") {
    on_goroutine([] {
        char room[1];
        CHECK(os::file::from_fd(-1, "negative").read(room).err == os::err_invalid);
        os::file never = os::file::from_fd(1'000'000, "never opened");
        CHECK(never.read(room).err.message() == "read never opened: bad file descriptor");
        CHECK(never.write("x").err.message() == "write never opened: bad file descriptor");
        CHECK(never.close().message() == "close never opened: bad file descriptor");
        auto [r, w, err] = os::pipe();
        REQUIRE(!err);
        ::close(r.fd());
        CHECK(r.read(room).err.message() == "read |0: bad file descriptor");
        CHECK(r.close().message() == "close |0: bad file descriptor");
        CHECK(errors::is(r.close(), os::err_closed));
    });
}

TEST_CASE("a descriptor that another file has already stays non-blocking; the second one says that it cannot wait") {
    on_goroutine([] {
        int ends[2];
        REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
        os::file first = os::file::from_fd(ends[0], "first");
        os::file second = os::file::from_fd(ends[0], "second");
        char room[1];
        CHECK(second.read(room).err.message() == "read second: resource temporarily unavailable");
        CHECK(!first.set_read_deadline(std::chrono::steady_clock::now() + 5ms));
        CHECK(errors::is(first.read(room).err, os::err_deadline_exceeded));
        CHECK(!first.close());
        CHECK(second.close().message() == "close second: bad file descriptor");
        ::close(ends[1]);
    });
}

TEST_CASE("a closed file says so, which is not net's closed; the second close fails [N34]") {
    on_goroutine([] {
        temporary t;
        auto [f, err] = os::create(t.path());
        REQUIRE(!err);
        CHECK(!f.close());
        char room[1];
        CHECK(f.read(room).err.message() == "read " + t.path() + ": file already closed");
        CHECK(errors::is(f.write("x").err, os::err_closed));
        CHECK(errors::is(f.close(), os::err_closed));
        CHECK(!errors::is(f.close(), net::err_closed));
        CHECK(f.fd() == -1);
    });
}

TEST_CASE("a regular file knows no deadline [N34]") {
    on_goroutine([] {
        temporary t;
        auto [f, err] = os::create(t.path());
        REQUIRE(!err);
        error no = f.set_deadline(past());
        CHECK(errors::is(no, os::err_no_deadline));
        CHECK(no.message().ends_with("file type does not support deadline"));
    });
}

TEST_CASE("a pipe waits on the poller: deadlines work, close unblocks, the end is io::eof [N34]") {
    on_goroutine([] {
        auto [r, w, err] = os::pipe();
        REQUIRE(!err);
        chan<io::result> reader = read_in_background(r);
        CHECK(w.write("x").n == 1);
        CHECK(reader.recv()->n == 1);
        CHECK(!r.set_read_deadline(past()));
        char room[1];
        error late = r.read(room).err;
        CHECK(errors::is(late, os::err_deadline_exceeded));
        CHECK(late.message() == "read |0: i/o timeout");
        CHECK(!r.set_read_deadline({}));
        reader = read_in_background(r);
        yield();
        CHECK(!w.close());
        CHECK(reader.recv()->err == io::eof);
        auto [r2, w2, err2] = os::pipe();
        REQUIRE(!err2);
        reader = read_in_background(r2);
        yield();
        CHECK(!r2.close());
        CHECK(errors::is(reader.recv()->err, os::err_closed));
    });
}

TEST_CASE("a write into a pipe that nobody reads is an error, never a signal [N10]") {
    on_goroutine([] {
        auto [r, w, err] = os::pipe();
        REQUIRE(!err);
        CHECK(!r.close());
        CHECK(errors::is(w.write("x").err, std::errc::broken_pipe));
    });
}

TEST_CASE("a large write into a pipe waits for its reader") {
    on_goroutine([] {
        auto [r, w, err] = os::pipe();
        REQUIRE(!err);
        chan<io::result> writer(1);
        go([w = w, writer] { writer.send(w.write(std::string(1 << 20, 'x'))); });
        std::string got(1 << 20, 0);
        CHECK(!io::read_full(r, got).err);
        CHECK(writer.recv()->n == got.size());
    });
}

TEST_CASE(
    "a descriptor of somebody else is on the poller only if it is non-blocking already; fd() makes one blocking "
    "[N35]") {
    on_goroutine([] {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        os::file blocking = os::file::from_fd(ends[0], "blocking");
        CHECK(errors::is(blocking.set_deadline(past()), os::err_no_deadline));
        REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
        os::file polled = os::file::from_fd(ends[1], "polled");
        CHECK(!polled.set_deadline({}));
        CHECK((::fcntl(polled.fd(), F_GETFL) & O_NONBLOCK) == 0);
        CHECK(polled.write("x").n == 1);
        char room[1];
        CHECK(blocking.read(room).n == 1);
        CHECK(!os::file::from_fd(-1, "none"));
    });
}

TEST_CASE("a FIFO is opened, and read on the poller, while other goroutines run [N34]") {
    on_goroutine([] {
        temporary t;
        REQUIRE(::mkfifo(t.path().c_str(), 0600) == 0);
        chan<io::contents> reader(1);
        go([path = t.path(), reader] { reader.send(os::read_file(path)); });
        auto [w, err] = os::open_file(t.path(), O_WRONLY);
        REQUIRE(!err);
        CHECK(w.write("through").n == 7);
        CHECK(!w.close());
        CHECK(reader.recv()->data == "through");
    });
}

TEST_CASE("a file is copied to a connection by io::copy") {
    on_goroutine([] {
        temporary t;
        std::string data(200'000, 'c');
        CHECK(!os::write_file(t.path(), data));
        auto [r, w, err] = os::pipe();
        REQUIRE(!err);
        go([path = t.path(), w = w] {
            auto [f, open_err] = os::open(path);
            CHECK(io::copy(w, f).n == 200'000);
            CHECK(!w.close());
        });
        CHECK(io::read_all(r).data == data);
    });
}

TEST_CASE("a plain thread reads a pipe, and close unblocks it") {
    auto [r, w, err] = os::pipe();
    REQUIRE(!err);
    chan<unit> first_read;
    std::thread reader([r = r, first_read] {
        char room[1];
        CHECK(r.read(room).n == 1);
        first_read.close();
        CHECK(errors::is(r.read(room).err, os::err_closed));
    });
    CHECK(w.write("x").n == 1);
    first_read.recv();
    CHECK(!r.close());
    reader.join();
}
