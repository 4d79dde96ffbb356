// SPDX-License-Identifier: MIT
// casasync-bench PROGRAM [OPTION VALUE...]: measures one thing. scripts/bench runs them all.
#include "programs.hpp"

#include <array>
#include <iostream>

namespace casasync::bench {
namespace {

const std::array programs{
    program{"clock", clock_program::questions, ask_micro},
    program{"digest", digest_program::questions, ask_micro},
    program{"merge", merge_program::questions, ask_micro},
    program{"codec", codec_program::questions, ask_micro},
    program{"capture", capture_program::questions},
    program{"seal", seal_program::questions},
    program{"apply", apply_program::questions},
    program{"bounds", bounds_program::questions},
    program{"snapshot", snapshot_program::questions},
    program{"open", open_program::questions},
    program{"track", track_program::questions},
    program{"file_size", file_size_program::questions},
    program{"memory", memory_program::questions},
    program{"beside_app", beside_app_program::questions},
    program{"convergence", convergence_program::questions},
    program{"growth", growth_program::questions},
    program{"relay", relay_program::questions},
    program{"end_to_end", end_to_end_program::questions},
};

int run(int argc, char** argv) {
    const std::string name = argc > 1 ? argv[1] : "";
    for (const program& p : programs)
        if (p.name == name) return answer_all(argc - 1, argv + 1, p);
    std::cerr << "usage: casasync-bench PROGRAM [OPTION VALUE...], and PROGRAM is one of:\n";
    for (const program& p : programs) std::cerr << "  " << p.name << '\n';
    return 64;
}

}  // namespace
}  // namespace casasync::bench

int main(int argc, char** argv) {
    return casasync::bench::run(argc, argv);
}
