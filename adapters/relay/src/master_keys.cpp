// SPDX-License-Identifier: MIT
#include "master_keys.hpp"

#include <casasync/envelope.hpp>

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::size_t key_bytes = 32, entry_bytes = 4 + key_bytes, keys_max = 2;

}  // namespace

const master_key* find(const master_keys& keys, std::uint32_t number) noexcept {
    for (const master_key& k : keys)
        if (k.number == number) return &k;
    return nullptr;
}

bytes encode(const master_keys& keys) {
    if (keys.size() == 1 && keys[0].number == 1) return {keys[0].key.begin(), keys[0].key.end()};
    bytes out;
    for (const master_key& k : keys) {
        out.resize(out.size() + 4);
        detail::put_be(&out[out.size() - 4], k.number);
        out.insert(out.end(), k.key.begin(), k.key.end());
    }
    return out;
}

result<master_keys> decode_master_keys(bytes_view content) {
    master_keys out;
    if (content.size() == key_bytes) {
        out.emplace_back();
        std::copy(content.begin(), content.end(), out[0].key.begin());
        return out;
    }
    if (content.empty() || content.size() % entry_bytes != 0 || content.size() / entry_bytes > keys_max)
        return errc::io_failed;
    for (; !content.empty(); content = content.subspan(entry_bytes)) {
        const std::uint32_t number = detail::get_be<std::uint32_t>(content.data());
        if (number == 0 || (!out.empty() && number >= out.back().number)) return errc::io_failed;
        out.push_back({number, {}});
        std::copy_n(content.begin() + 4, key_bytes, out.back().key.begin());
    }
    return out;
}

master_keys rotated(const master_keys& keys, const openssl::key256& fresh, bool keep_before) {
    master_keys out{{keys.front().number + 1, fresh}};
    if (keep_before) out.push_back(keys.front());
    return out;
}

}  // namespace casasync::relay
