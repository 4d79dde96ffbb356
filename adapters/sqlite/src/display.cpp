// SPDX-License-Identifier: MIT
#include "display.hpp"

#include "display_pass.hpp"

namespace casasync::sqlite {

result<void> display::create(connection& db) {
    return parked_list::create(db);
}

result<void> display::show(std::span<const merged_row> changed, unix_ms now) {
    return display_pass(*db_, *tables_, *rows_, now).show(changed);
}

result<void> display::keep(std::span<const merged_row> changed, unix_ms now) {
    return display_pass(*db_, *tables_, *rows_, now).keep(changed);
}

result<std::vector<parked_row>> display::parked() {
    return parked_list(*db_).all();
}

result<bool> display::is_parked(table_no table, bytes_view key) {
    const auto row = parked_list(*db_).find(table, key);
    if (!row) return row.failure();
    return row->has_value() && (*row)->reason != parked_list::dangling;
}

}  // namespace casasync::sqlite
