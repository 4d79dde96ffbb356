// SPDX-License-Identifier: MIT
#pragma once

/// The members of one JSON object, read with suspicion.
#include <casasync/bytes.hpp>
#include <casasync/openssl/aead.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::agent {

/// Remembers whether everything that was asked for was there and as it should be.
class json_members {
 public:
    /// Reads JSON text, at most 1 MiB, that is an object.
    explicit json_members(std::string_view text);

    [[nodiscard]] std::string text(std::string_view key);
    [[nodiscard]] std::uint64_t number(std::string_view key, std::uint64_t least, std::uint64_t most);
    [[nodiscard]] bool truth(std::string_view key);
    /// Returns an array of texts.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key);
    [[nodiscard]] openssl::key256 key(std::string_view name);
    template <class Id>
    [[nodiscard]] Id id(std::string_view key) {
        const auto parsed = Id::parse(text(key));
        if (!parsed) bad_ = true;
        return parsed ? *parsed : Id{};
    }
    [[nodiscard]] bool has(std::string_view key) const { return in_.contains(key); }
    [[nodiscard]] bool bad() const noexcept { return bad_; }

 private:
    boost::json::object in_{};
    bool bad_ = false;
};

}  // namespace casasync::agent
