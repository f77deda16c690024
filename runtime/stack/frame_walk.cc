// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/frame_walk.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "runtime/arch/saved_context.h"
#include "runtime/base/atomic.h"

// libgcc's, behind every exception: the rules of the function that holds pc; null when there are none.
struct gossamer_eh_bases {
    void *text, *data, *function;
};
extern "C" const void* _Unwind_Find_FDE(void* pc, gossamer_eh_bases* bases);

namespace gossamer::rt {

namespace {

enum class base_of : uint64_t { unknown, end, sp, fp, fp_word };

// How a frame is left. All of it in one word.
struct rule {
    base_of base : 4 = base_of::unknown;
    uint64_t has_fp : 1 = 0;                 // fp_at counts; else fp is the caller's already
    int64_t offset : 27 = 0;                 // of the caller's stack pointer from the base
    int64_t fp_at : 16 = 0, ra_at : 16 = 0;  // from the caller's stack pointer; fp_at 0: lost
};
static_assert(sizeof(rule) == sizeof(uint64_t));
constexpr rule kEnd{base_of::end};

struct slot {
    atomic<uint64_t> key{0}, word{0};  // key: pc xor word
};
constexpr unsigned kSlotBits = 12;
slot slots[1 << kSlotBits];

bool fits(int64_t n, unsigned bits) { return n >> (bits - 1) == 0 || n >> (bits - 1) == -1; }

// The compiler's program for the rows of a function's table; whatever it does that rules have no room for makes it `refused`.
class table_reader {
  public:
    explicit table_reader(uintptr_t pc) : pc_(pc) {}

    rule read() {
        gossamer_eh_bases bases{};
        auto* entry = static_cast<const unsigned char*>(_Unwind_Find_FDE(reinterpret_cast<void*>(pc_), &bases));
        if (entry == nullptr) return kEnd;
        auto length = load<uint32_t>(entry);
        auto* to_common = entry + sizeof length;
        const unsigned char* common = to_common - load<int32_t>(to_common);
        if (length == 0xffffffff || !read_common(common)) return kEnd;
        at_ = to_common + sizeof(int32_t) + size_t(2 * pointer_bytes_);  // begin and length of the function
        end_ = to_common + length;
        if (has_sizes_) at_ = skip(number());
        location_ = reinterpret_cast<uintptr_t>(bases.function);
        run();
        return refused_ ? kEnd : result();
    }

  private:
    enum class saved : uint8_t { not_yet, at, lost };
    struct row {
        saved fp = saved::not_yet, ra = saved::not_yet;
        int64_t fp_at = 0, ra_at = 0, offset = 0;
        uint64_t base = 0;
        bool is_word = false, is_known = false;
    };

    template <class T>
    static T load(const unsigned char* from) {
        T n;
        memcpy(&n, from, sizeof n);
        return n;
    }
    template <class T>
    T take() {
        T n = load<T>(at_);
        at_ += sizeof n;
        return n;
    }
    uint64_t number() {
        uint64_t n = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            unsigned char b = *at_++;
            n |= uint64_t(b & 0x7f) << shift;
            if (b < 0x80) break;
        }
        return n;
    }
    int64_t signed_number() {
        uint64_t n = 0;
        for (unsigned shift = 0; shift < 64;) {
            unsigned char b = *at_++;
            n |= uint64_t(b & 0x7f) << shift;
            shift += 7;
            if (b >= 0x80) continue;
            if ((b & 0x40) != 0 && shift < 64) n |= ~uint64_t{0} << shift;
            break;
        }
        return int64_t(n);
    }
    const unsigned char* skip(uint64_t bytes) { return at_ + bytes; }

    // Bytes of a pointer as it is encoded; 0: of no fixed size.
    static unsigned bytes_of(unsigned char encoding) {
        constexpr unsigned kBytes[] = {8, 0, 2, 4, 8, 0, 0, 0, 0, 0, 2, 4, 8, 0, 0, 0};
        return encoding == 0x50 ? 0 : kBytes[encoding & 15];
    }

    // What all functions of a file share. False: it says something that is not known here.
    bool read_common(const unsigned char* common) {
        end_ = common + sizeof(uint32_t) + load<uint32_t>(common);
        at_ = common + 2 * sizeof(uint32_t);
        auto version = take<unsigned char>();
        auto* letters = reinterpret_cast<const char*>(at_);
        at_ += strlen(letters) + 1;
        code_align_ = number();
        data_align_ = signed_number();
        return_column_ = version == 1 ? take<unsigned char>() : number();
        pointer_bytes_ = sizeof(void*);
        has_sizes_ = *letters == 'z';
        if (has_sizes_) {
            uint64_t bytes = number();
            const unsigned char* program = skip(bytes);
            for (const char* c = letters + 1; *c != 0; c++) {
                if (*c == 'R') {
                    pointer_bytes_ = bytes_of(take<unsigned char>());
                } else if (*c == 'P') {
                    unsigned n = bytes_of(take<unsigned char>());
                    if (n == 0) return false;
                    at_ += n;
                } else if (*c == 'L') {
                    at_++;
                } else if (*c != 'B') {
                    return false;  // S: a signal's frame
                }
            }
            at_ = program;
        } else if (*letters != 0) {
            return false;
        }
        if (pointer_bytes_ == 0) return false;
        location_ = 0;
        run();
        first_ = row_;
        return !refused_;
    }

    void saved_at(uint64_t which, int64_t offset, saved how = saved::at) {
        if (which == uint64_t(arch::kDwarfFp)) {
            row_.fp = how;
            row_.fp_at = offset;
        } else if (which == return_column_) {
            row_.ra = how;
            row_.ra_at = offset;
        }
    }
    void as_at_first(uint64_t which) {
        if (which == uint64_t(arch::kDwarfFp)) saved_at(which, first_.fp_at, first_.fp);
        if (which == return_column_) saved_at(which, first_.ra_at, first_.ra);
    }
    void base(uint64_t which, int64_t offset) {
        row_.base = which;
        row_.offset = offset;
        row_.is_word = false;
        row_.is_known = true;
    }
    // "The word at fp plus a number": of functions that align their stack.
    void base_expression() {
        const unsigned char* end = at_;
        uint64_t bytes = number();
        end = skip(bytes);
        constexpr unsigned kBreg0 = 0x70, kDeref = 0x06;
        row_.is_known = false;
        if (bytes >= 3 && *at_ == kBreg0 + unsigned(arch::kDwarfFp)) {
            at_++;
            int64_t offset = signed_number();
            base(uint64_t(arch::kDwarfFp), offset);
            row_.is_word = true;
            row_.is_known = at_ + 1 == end && *at_ == kDeref;
        }
        at_ = end;
    }
    // Only the rows up to pc_ count: false when the next is behind it.
    bool advance(uint64_t by) {
        location_ += by * code_align_;
        return location_ <= pc_;
    }

    void run() {
        while (at_ < end_ && !refused_) {
            unsigned char op = *at_++;
            unsigned low = op & 0x3f;
            switch (op >> 6) {
                case 1:
                    if (!advance(low)) return;
                    continue;
                case 2:
                    saved_at(low, int64_t(number()) * data_align_);
                    continue;
                case 3:
                    as_at_first(low);
                    continue;
                default:
                    if (!one(op)) return;
            }
        }
    }
    bool one(unsigned char op) {
        uint64_t which;
        switch (op) {
            case 0x00:  // nop
            case 0x2d:  // the return address is signed, or no longer
                return true;
            case 0x02:
                return advance(take<uint8_t>());
            case 0x03:
                return advance(take<uint16_t>());
            case 0x04:
                return advance(take<uint32_t>());
            case 0x05:  // offset_extended
                which = number();
                saved_at(which, int64_t(number()) * data_align_);
                return true;
            case 0x11:  // offset_extended_sf
                which = number();
                saved_at(which, signed_number() * data_align_);
                return true;
            case 0x06:  // restore_extended
                as_at_first(number());
                return true;
            case 0x07:  // undefined
                saved_at(number(), 0, saved::lost);
                return true;
            case 0x08:  // same_value
                saved_at(number(), 0, saved::not_yet);
                return true;
            case 0x09:  // register
            case 0x14:  // val_offset
            case 0x15:
                which = number();
                number();
                saved_at(which, 0, saved::lost);
                return true;
            case 0x10:  // expression
            case 0x16:
                which = number();
                at_ = skip(number());
                saved_at(which, 0, saved::lost);
                return true;
            case 0x0a:
                if (depth_ == kMostRows) break;
                rows_[depth_++] = row_;
                return true;
            case 0x0b:
                if (depth_ == 0) break;
                row_ = rows_[--depth_];
                return true;
            case 0x0c:  // def_cfa
                which = number();
                base(which, int64_t(number()));
                return true;
            case 0x12:
                which = number();
                base(which, signed_number() * data_align_);
                return true;
            case 0x0d:
                base(number(), row_.offset);
                return true;
            case 0x0e:
                row_.offset = int64_t(number());
                return true;
            case 0x13:
                row_.offset = signed_number() * data_align_;
                return true;
            case 0x0f:
                base_expression();
                return true;
            case 0x2e:  // bytes of pushed arguments
                number();
                return true;
            default:
                break;
        }
        refused_ = true;
        return false;
    }

    rule result() const {
        rule r;
        if (!row_.is_known || row_.ra != saved::at || !fits(row_.offset, 27) || !fits(row_.ra_at, 16) ||
            !fits(row_.fp_at, 16))
            return kEnd;
        if (row_.base == uint64_t(arch::kDwarfSp))
            r.base = base_of::sp;
        else if (row_.base == uint64_t(arch::kDwarfFp))
            r.base = row_.is_word ? base_of::fp_word : base_of::fp;
        else
            return kEnd;
        r.offset = row_.offset;
        r.ra_at = row_.ra_at;
        r.has_fp = row_.fp != saved::not_yet;
        r.fp_at = row_.fp == saved::at ? row_.fp_at : 0;
        return r;
    }

    static constexpr unsigned kMostRows = 8;
    uintptr_t pc_, location_ = 0;
    const unsigned char *at_ = nullptr, *end_ = nullptr;
    uint64_t code_align_ = 1, return_column_ = 0;
    int64_t data_align_ = 1;
    unsigned pointer_bytes_ = 0, depth_ = 0;
    bool has_sizes_ = false, refused_ = false;
    row row_, first_, rows_[kMostRows];
};

[[gnu::noinline]] rule learn(uintptr_t pc, slot& s) {
    rule r = table_reader(pc - 1).read();  // behind a call: the call's own row
    auto word = std::bit_cast<uint64_t>(r);
    s.word.store(word, relaxed);      // pairs with find_rule(): both or none
    s.key.store(pc ^ word, relaxed);  // likewise
    return r;
}

inline rule find_rule(uintptr_t pc) {
    slot& s = slots[pc * 0x9e3779b97f4a7c15ull >> (64 - kSlotBits)];
    uint64_t word = s.word.load(relaxed);                                      // pairs with learn()
    if (word == 0 || (s.key.load(relaxed) ^ word) != pc) return learn(pc, s);  // likewise
    return std::bit_cast<rule>(word);
}

// The walker's own frames: the tools may have poisoned what lies beside the words that are meant.
__attribute__((always_inline, no_sanitize("address", "thread", "undefined"))) inline uintptr_t word_at(
    uintptr_t address) {
    return *reinterpret_cast<const volatile uintptr_t*>(address);
}

}  // namespace

__attribute__((no_sanitize("address", "thread", "undefined"))) unsigned walk_frames(frame_at f, uintptr_t top,
                                                                                    uint64_t* pcs, unsigned most) {
    constexpr uintptr_t kWord = sizeof(uintptr_t);
    uintptr_t low = f.sp;
    auto is_there = [&](uintptr_t at) { return at >= low && at <= top - kWord && at % kWord == 0; };
    unsigned n = 0;
    while (n < most && f.pc != 0) {
        pcs[n++] = f.pc;
        rule r = find_rule(f.pc);
        if (r.base == base_of::end) break;
        uintptr_t above = (r.base == base_of::sp ? f.sp : f.fp) + uintptr_t(intptr_t(r.offset));
        if (r.base == base_of::fp_word) {
            if (!is_there(above)) break;
            above = word_at(above);
        }
        uintptr_t ra = above + uintptr_t(intptr_t(r.ra_at)), fp = above + uintptr_t(intptr_t(r.fp_at));
        if (above <= f.sp || above > top || !is_there(ra)) break;
        if (r.has_fp) f.fp = r.fp_at != 0 && is_there(fp) ? word_at(fp) : 0;
        f.pc = word_at(ra);
        f.sp = above;
    }
    return n;
}

void forget_frame_rules() {
    for (slot& s : slots) s.word.store(0, relaxed);  // pairs with find_rule()
}

}  // namespace gossamer::rt
