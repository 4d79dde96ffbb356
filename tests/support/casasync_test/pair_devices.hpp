// SPDX-License-Identifier: MIT
#pragma once

/// Two devices of one process pair as two people would: the digits that one shows are typed on the other.
#include <casasync/agent/setup.hpp>

#include <future>
#include <string>
#include <utility>

namespace casasync_test {

/// Makes `o.path` a device of the vault of `inviting`. \param o  without relay and code
/// \returns what the new device made of it, unless the old one failed
inline casasync::result<casasync::agent::link> pair_devices(casasync::agent::link& inviting,
                                                            casasync::agent::join_options o) {
    auto invited = casasync::agent::invitation::make(inviting);
    if (!invited) return invited.failure();
    o.code = invited->code();
    o.relay = inviting.keys().relay;
    std::promise<std::string> shown;
    o.show_check = [&shown](const std::string& digits) { shown.set_value(digits); };
    auto joining = std::async(std::launch::async, [&o] { return casasync::agent::join_vault(o); });
    casasync::result<void> admitted;
    if (const auto who = invited->meet(); !who)
        admitted = who.failure();
    else
        admitted = invited->admit(shown.get_future().get());
    auto joined = joining.get();
    return admitted ? std::move(joined) : admitted.failure();
}

}  // namespace casasync_test
