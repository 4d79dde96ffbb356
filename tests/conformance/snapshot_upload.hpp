// SPDX-License-Identifier: MIT
#pragma once

/// Snapshots as a device uploads them.
#include "device_client.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace casasync_test {

/// A snapshot on its way to the relay.
struct upload {
    casasync::snapshot_id id{};
    casasync::bytes content{};
    std::uint64_t pos = 0;
    std::uint64_t part_size = 0;

    [[nodiscard]] std::string path() const { return "/snapshots/" + id.text(); }
    [[nodiscard]] casasync::bytes part(std::size_t n) const {
        const auto first = content.begin() + static_cast<std::ptrdiff_t>(n * part_size);
        const auto size = std::min<std::uint64_t>(part_size, content.size() - n * part_size);
        return {first, first + static_cast<std::ptrdiff_t>(size)};
    }
    [[nodiscard]] std::size_t parts() const { return (content.size() + part_size - 1) / part_size; }
};

inline upload make_upload(std::uint8_t n, std::size_t size = 2500, std::uint64_t pos = 0,
                          std::uint64_t part_size = 1000) {
    upload out{id<casasync::snapshot_id>(n), casasync::bytes(size), pos, part_size};
    for (std::size_t i = 0; i < size; ++i) out.content[i] = static_cast<std::uint8_t>(i * 7 + n);
    return out;
}

inline reply begin(const device_client& d, const upload& u) {
    return d.call("POST", "/snapshots",
                  R"({"snapshot_id":")" + u.id.text() + R"(","pos":)" + std::to_string(u.pos) +
                      R"(,"size":)" + std::to_string(u.content.size()) + R"(,"part_size":)" +
                      std::to_string(u.part_size) + "}");
}

inline reply put(const device_client& d, const upload& u, std::size_t n, const casasync::bytes& body) {
    return d.call("PUT", u.path() + "/parts/" + std::to_string(n), body, octets_type);
}

inline casasync::bytes manifest_of(const device_client& d, std::uint8_t content = 1) {
    casasync::bytes out = d.envelope(0, 256, content);
    out[5] = static_cast<std::uint8_t>(casasync::envelope_kind::snapshot_manifest);
    return out;
}

inline reply complete(const device_client& d, const upload& u, std::uint8_t content = 1) {
    return d.call("POST", u.path() + "/complete", manifest_of(d, content), octets_type);
}

/// Makes a snapshot complete. \throws when the relay does not take it
inline void upload_all(const device_client& d, const upload& u) {
    bool fine = begin(d, u).status == 201;
    for (std::size_t n = 0; fine && n < u.parts(); ++n) fine = put(d, u, n, u.part(n)).status == 204;
    if (!fine || complete(d, u).status != 201) throw std::runtime_error("the relay refuses a snapshot");
}

}  // namespace casasync_test
