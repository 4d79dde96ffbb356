// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace casasync::openssl {

/// 2048 words in alphabetical order, with a space or a line end between two.
extern const std::string_view recovery_word_list;

}  // namespace casasync::openssl
