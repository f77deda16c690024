// SPDX-License-Identifier: BSL-1.0
#include "gossamer/error.h"

#include <vector>

namespace gossamer {

namespace {

class text_node final : public detail::error_node {
  public:
    text_node(std::string text, error cause) : error_node(false), text_(std::move(text)), cause_(std::move(cause)) {}
    std::string message() const override { return cause_ ? text_ + ": " + cause_.message() : text_; }
    const error_node* cause(size_t i) const override { return i == 0 ? cause_.node() : nullptr; }

  private:
    std::string text_;
    error cause_;
};

class code_node final : public detail::error_node {
  public:
    code_node(std::error_code code, std::string text) : error_node(false), code_(code), text_(std::move(text)) {}
    std::string message() const override { return text_.empty() ? code_.message() : text_ + ": " + code_.message(); }
    std::error_code code() const override { return code_; }

  private:
    std::error_code code_;
    std::string text_;
};

class join_node final : public detail::error_node {
  public:
    explicit join_node(std::vector<error> errs) : error_node(false), errs_(std::move(errs)) {}
    std::string message() const override {
        std::string all;
        for (const error& e : errs_) all += (all.empty() ? "" : "\n") + e.message();
        return all;
    }
    const error_node* cause(size_t i) const override { return i < errs_.size() ? errs_[i].node() : nullptr; }

  private:
    std::vector<error> errs_;
};

// The first node of the tree, depth first, that test accepts.
template <class Test>
const detail::error_node* find(const detail::error_node* node, const Test& test) {
    if (node == nullptr || test(node)) return node;
    for (size_t i = 0; const detail::error_node* cause = node->cause(i); i++)
        if (const detail::error_node* found = find(cause, test)) return found;
    return nullptr;
}

}  // namespace

error::error(std::string message) : node_(new text_node(std::move(message), nullptr)) {}
error::error(std::error_code code) : error(code, {}) {}
error::error(std::error_code code, std::string text) : node_(code ? new code_node(code, std::move(text)) : nullptr) {}

std::error_code error::code() const {
    const detail::error_node* found =
        find(node_, [](const detail::error_node* n) { return static_cast<bool>(n->code()); });
    return found != nullptr ? found->code() : std::error_code();
}

error error::cause() const {
    const detail::error_node* cause = node_ != nullptr ? node_->cause(0) : nullptr;
    if (cause != nullptr && !cause->immortal()) cause->retain();
    return error(cause);
}

namespace detail {

void error_node::destroy() const noexcept { delete this; }

std::string substitute(const char* text, const std::string* args) {
    std::string out;
    for (const char* p = text; *p != 0; p++) {
        if (p[0] == '{' && p[1] == '}')
            out += *args++, p++;
        else if ((p[0] == '{' || p[0] == '}') && p[1] == p[0])
            out += *p++;
        else
            out += *p;
    }
    return out;
}

const void* find_value(const error_node* node, const std::type_info& type) {
    const error_node* found = find(node, [&](const error_node* n) { return n->value(type) != nullptr; });
    return found != nullptr ? found->value(type) : nullptr;
}

error wrap_text(error err, std::string text) { return error(new text_node(std::move(text), std::move(err))); }

error join_all(const error* errs, size_t n) {
    std::vector<error> real;
    for (size_t i = 0; i < n; i++)
        if (errs[i]) real.push_back(errs[i]);
    return real.empty() ? error() : error(new join_node(std::move(real)));
}

}  // namespace detail

namespace errors {

bool is(const error& err, const error& target) {
    if (!err || !target) return err == target;
    return find(err.node(), [&](const detail::error_node* n) { return n == target.node() || n->counts_as(target); }) !=
           nullptr;
}

bool is(const error& err, std::error_code code) {
    return find(err.node(), [&](const detail::error_node* n) { return n->code() && n->code() == code; }) != nullptr;
}

bool is(const error& err, std::errc code) {
    return find(err.node(), [&](const detail::error_node* n) { return n->code() && n->code() == code; }) != nullptr;
}

}  // namespace errors

}  // namespace gossamer
