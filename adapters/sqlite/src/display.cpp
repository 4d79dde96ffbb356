// SPDX-License-Identifier: MIT
#include "display.hpp"

#include "display_pass.hpp"

namespace casasync::sqlite {

result<void> display::create(connection& db) {
    if (auto ok = parked_list::create(db); !ok) return ok;
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_renumbered(t INTEGER NOT NULL, was INTEGER NOT NULL, number "
        "INTEGER NOT NULL, at INTEGER NOT NULL) STRICT; CREATE INDEX IF NOT EXISTS "
        "casasync_renumbered_number ON casasync_renumbered(t, number)");
}

result<void> display::show(std::span<const merged_row> changed, unix_ms now) {
    return display_pass(*db_, *tables_, *rows_, now).show(changed);
}

result<void> display::keep(std::span<const merged_row> changed, unix_ms now) {
    return display_pass(*db_, *tables_, *rows_, now).keep(changed);
}

result<void> display::look_again(const std::set<table_no>& touched, unix_ms now) {
    return display_pass(*db_, *tables_, *rows_, now).look_again(touched);
}

result<bool> display::stand_alone(const changeset& c, unix_ms now) {
    return display_pass(*db_, *tables_, *rows_, now).stand_alone(c);
}

result<std::vector<parked_row>> display::parked() {
    return parked_list(*db_).all();
}

result<bool> display::any_parked() {
    return parked_list(*db_).any();
}

result<bool> display::is_parked(table_no table, bytes_view key) {
    const auto row = parked_list(*db_).find(table, key);
    if (!row) return row.failure();
    return row->has_value() && (*row)->reason != parked_list::dangling;
}

}  // namespace casasync::sqlite
