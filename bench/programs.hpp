// SPDX-License-Identifier: MIT
#pragma once

/// The programs of casasync-bench: each answers one question, of several kinds of work, in the source file of
/// its name. They have namespaces of their own, because they are compiled together.
#include "harness.hpp"

#include <vector>

namespace casasync::bench {

using questions_of = std::vector<question>(const run_options&);

namespace apply_program {
questions_of questions;
}
namespace beside_app_program {
questions_of questions;
}
namespace bounds_program {
questions_of questions;
}
namespace capture_program {
questions_of questions;
}
namespace clock_program {
questions_of questions;
}
namespace codec_program {
questions_of questions;
}
namespace convergence_program {
questions_of questions;
}
namespace digest_program {
questions_of questions;
}
namespace end_to_end_program {
questions_of questions;
}
namespace file_size_program {
questions_of questions;
}
namespace growth_program {
questions_of questions;
}
namespace memory_program {
questions_of questions;
}
namespace merge_program {
questions_of questions;
}
namespace open_program {
questions_of questions;
}
namespace relay_program {
questions_of questions;
}
namespace seal_program {
questions_of questions;
}
namespace snapshot_program {
questions_of questions;
}
namespace track_program {
questions_of questions;
}

}  // namespace casasync::bench
