// SPDX-License-Identifier: BSL-1.0
// Publish and subscribe: one goroutine owns the list of subscribers; all others talk to it through channels. No lock anywhere.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/select.h>
#include <gossamer/wait_group.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

using namespace gossamer;

struct message {
    std::string topic;
    std::string text;
};

struct subscription {
    std::string topic;
    send_chan<std::string> inbox;
};

class broker {
  public:
    broker() {
        go([subscribe = subscribe_, publish = publish_, stop = stop_] {
            std::map<std::string, std::vector<send_chan<std::string>>> inboxes;
            for (;;) {
                switch (auto s = select(recv(subscribe), recv(publish), recv(stop)); s) {
                    case 0: {
                        subscription wanted = *s.get<0>();
                        inboxes[wanted.topic].push_back(wanted.inbox);
                        break;
                    }
                    case 1: {
                        message m = *s.get<1>();
                        for (send_chan<std::string>& inbox : inboxes[m.topic]) inbox << m.text;
                        break;
                    }
                    case 2:
                        for (auto& [topic, list] : inboxes)
                            for (send_chan<std::string>& inbox : list) inbox.close();
                        return;
                }
            }
        });
    }

    // What is published on the topic from now on, until the broker is closed.
    recv_chan<std::string> subscribe(std::string topic) {
        chan<std::string> inbox(8);
        subscribe_ << subscription{std::move(topic), inbox};
        return inbox;
    }
    void publish(std::string topic, std::string text) { publish_ << message{std::move(topic), std::move(text)}; }
    void close() { stop_.close(); }

  private:
    chan<subscription> subscribe_;
    chan<message> publish_;
    chan<unit> stop_;
};

int main() {
    return run([] {
        broker news;
        std::map<std::string, recv_chan<std::string>> readers;
        readers.emplace("ada reads weather", news.subscribe("weather"));
        readers.emplace("bob reads weather", news.subscribe("weather"));
        readers.emplace("cyd reads sport", news.subscribe("sport"));

        wait_group reading;
        std::map<std::string, std::string> read;
        for (auto& [who, inbox] : readers) {
            reading.go([&mine = read[who], inbox = inbox] {
                for (const std::string& text : inbox) mine += " [" + text + "]";
            });
        }

        news.publish("weather", "rain");
        news.publish("sport", "one all");
        news.publish("politics", "nobody listens");
        news.publish("weather", "sun");
        news.close();
        reading.wait();

        for (const auto& [who, text] : read) std::printf("%s:%s\n", who.c_str(), text.c_str());
        return 0;
    });
}
