// SPDX-License-Identifier: MIT
#pragma once

/// The bytes of a page of a relay's log, written by relays and read by clients:
///
///     record: pos u64 | received_at u64 | length u32 | envelope          length 0xFFFFFFFF: digest[32] of an
///     own one end:    last pos u64 | relay time u64 (unix seconds) | 0 u32 | log[32]
#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>
#include <casasync/transport.hpp>

#include <algorithm>
#include <cstdint>

namespace casasync {

inline constexpr std::uint32_t own_record_length = 0xFFFFFFFF;

namespace detail {
inline void append_record_head(bytes& out, std::uint64_t pos, std::uint64_t at, std::uint32_t length) {
    const std::size_t n = out.size();
    out.resize(n + 20);
    put_be(&out[n], pos);
    put_be(&out[n + 8], at);
    put_be(&out[n + 16], length);
}
}  // namespace detail

/// Appends one record to a page under construction: `content` is the envelope and `length` its size, or the
/// digest and `own_record_length` for the reader's own device.
inline void append_record(bytes& out, std::uint64_t pos, std::uint64_t at, std::uint32_t length,
                          bytes_view content) {
    detail::append_record_head(out, pos, at, length);
    out.insert(out.end(), content.begin(), content.end());
}

/// The same of a record as a reader has it: without an envelope it is the reader's own.
inline void append_record(bytes& out, const log_record& record) {
    if (record.envelope.empty())
        append_record(out, record.pos, record.received_at, own_record_length, record.digest);
    else
        append_record(out, record.pos, record.received_at, static_cast<std::uint32_t>(record.envelope.size()),
                      record.envelope);
}

/// Ends a page. A page without its end has no effect at the reader.
inline void append_page_end(bytes& out, std::uint64_t last, std::uint64_t time_s, const digest256& log) {
    detail::append_record_head(out, last, time_s, 0);
    out.insert(out.end(), log.begin(), log.end());
}

/// Returns the page in `body`: positions dense from `after` + 1, ended. `relay` and `more` are the caller's
/// to fill, but for relay.time; digests of other devices' envelopes are left zero. \errors malformed_answer
/// for anything else, a truncated body included.
[[nodiscard]] inline result<page> decode_page(bytes_view body, std::uint64_t after) {
    page out;
    std::size_t at = 0;
    std::uint64_t last = after;
    for (;;) {
        if (body.size() - at < 20) return errc::malformed_answer;
        const auto pos = detail::get_be<std::uint64_t>(&body[at]);
        const auto when = detail::get_be<std::uint64_t>(&body[at + 8]);
        const auto length = detail::get_be<std::uint32_t>(&body[at + 16]);
        at += 20;
        if (length == 0) {
            if (pos != last || body.size() - at != 32 || when > (std::uint64_t{1} << 40))
                return errc::malformed_answer;
            out.last = pos;
            out.relay.time = static_cast<unix_ms>(when) * 1000;
            std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(at), 32, out.log.begin());
            return out;
        }
        if (pos != last + 1 || out.records.size() >= limits::page_records_max) return errc::malformed_answer;
        log_record record{pos, when, {}, {}};
        const std::size_t size = length == own_record_length ? 32 : length;
        if (size > limits::envelope_bytes_max || body.size() - at < size) return errc::malformed_answer;
        const auto first = body.begin() + static_cast<std::ptrdiff_t>(at);
        if (length == own_record_length)
            std::copy_n(first, 32, record.digest.begin());
        else
            record.envelope.assign(first, first + static_cast<std::ptrdiff_t>(size));
        out.records.push_back(std::move(record));
        at += size;
        last = pos;
    }
}

}  // namespace casasync
