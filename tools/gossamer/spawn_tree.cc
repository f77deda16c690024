// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/spawn_tree.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace insp {

namespace {

// Deeper generations are put under the deepest one that is drawn, so that no chain of creators is too long for the stack.
constexpr size_t kMostDepth = 200;

class grower {
  public:
    explicit grower(std::vector<spawn_node> nodes) : nodes_(std::move(nodes)) {
        std::sort(nodes_.begin(), nodes_.end(), [](const spawn_node& a, const spawn_node& b) { return a.id < b.id; });
        for (size_t i = 0; i < nodes_.size(); i++) by_id_.emplace(nodes_[i].id, i);
        children_.resize(nodes_.size());
    }

    std::vector<spawn_branch> grow() {
        std::vector<size_t> roots;
        std::map<uint64_t, std::vector<size_t>> orphans;
        for (size_t i = 0; i < nodes_.size(); i++) {
            uint64_t creator = nodes_[i].creator;
            auto at = by_id_.find(creator);
            // Numbers grow: a creator that is younger than its child is a number that was read too late.
            if (at != by_id_.end() && creator < nodes_[i].id)
                children_[at->second].push_back(i);
            else if (creator == 0 || at != by_id_.end())
                roots.push_back(i);
            else
                orphans[creator].push_back(i);
        }
        std::vector<spawn_branch> tree = branches_of(roots, 0);
        for (auto& [id, those] : orphans) {
            spawn_branch ended;
            ended.id = id;
            ended.index = spawn_branch::kEnded;
            ended.children = branches_of(those, 1);
            count_below(ended);
            tree.push_back(std::move(ended));
        }
        return tree;
    }

  private:
    static void count_below(spawn_branch& b) {
        for (const spawn_branch& child : b.children) b.descendants += child.count + child.descendants;
    }

    std::vector<spawn_branch> branches_of(const std::vector<size_t>& those, size_t depth) {
        std::vector<spawn_branch> branches;
        std::vector<std::vector<size_t>> below;
        std::unordered_map<std::string, size_t> by_look;
        for (size_t i : those) {
            auto [at, is_new] = by_look.try_emplace(nodes_[i].look, branches.size());
            if (is_new) {
                branches.emplace_back();
                branches.back().id = nodes_[i].id;
                branches.back().index = nodes_[i].index;
                below.emplace_back();
            }
            branches[at->second].count++;
            std::vector<size_t>& to = below[at->second];
            to.insert(to.end(), children_[i].begin(), children_[i].end());
        }
        for (size_t b = 0; b < branches.size(); b++) {
            if (depth + 1 < kMostDepth) {
                branches[b].children = branches_of(below[b], depth + 1);
                count_below(branches[b]);
                continue;
            }
            for (std::vector<size_t> work = std::move(below[b]); !work.empty(); branches[b].descendants++) {
                size_t i = work.back();
                work.pop_back();
                work.insert(work.end(), children_[i].begin(), children_[i].end());
            }
        }
        return branches;
    }

    std::vector<spawn_node> nodes_;
    std::unordered_map<uint64_t, size_t> by_id_;
    std::vector<std::vector<size_t>> children_;
};

}  // namespace

std::vector<spawn_branch> grow_tree(std::vector<spawn_node> nodes) { return grower(std::move(nodes)).grow(); }

}  // namespace insp
