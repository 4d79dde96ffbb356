// SPDX-License-Identifier: MIT
#pragma once

/// The core in reading order.
#include <casasync/environment.hpp>  // time and randomness as parameters
#include <casasync/error.hpp>        // what can go wrong, and what a caller may do about it
#include <casasync/limits.hpp>       // named limits, enforced at both ends
#include <casasync/result.hpp>       // a value or an error

#include <casasync/bytes.hpp>  // byte strings and their text
#include <casasync/clock.hpp>  // which time a device stamps with
#include <casasync/hlc.hpp>    // hybrid logical clock
#include <casasync/ids.hpp>    // vault, device, replica
#include <casasync/key.hpp>    // a row's key as canonical bytes
#include <casasync/stamp.hpp>  // the total order of writes
#include <casasync/value.hpp>  // what a cell holds

#include <casasync/causality.hpp>      // who has seen what
#include <casasync/conflict.hpp>       // writes that lost unseen
#include <casasync/digest.hpp>         // one number that is equal on devices in sync
#include <casasync/number_claims.hpp>  // which row keeps a number two devices gave out
#include <casasync/row.hpp>            // a row's registers, and merging into them
#include <casasync/table.hpp>          // rules and policies

#include <casasync/accounts.hpp>   // what became of every write, counted
#include <casasync/capture.hpp>    // captured writes -> operations
#include <casasync/changeset.hpp>  // what one device wrote
#include <casasync/codec.hpp>      // changeset <-> bytes
#include <casasync/inbox.hpp>      // when a received changeset may be merged
#include <casasync/merge.hpp>      // changeset + rows -> plan
#include <casasync/restamp.hpp>    // stamps of a clock that was far ahead, put right
#include <casasync/row_codec.hpp>  // registers <-> bytes
#include <casasync/snapshot.hpp>   // a vault's whole state, to join or catch up
#include <casasync/store.hpp>      // concept: rows, outbox, inbox

#include <casasync/cipher.hpp>        // concept: payload <-> envelope
#include <casasync/cursor.hpp>        // a place in a relay's log
#include <casasync/envelope.hpp>      // sealed bytes plus what a relay may know
#include <casasync/member_entry.hpp>  // one line of the list of a vault's devices
#include <casasync/members.hpp>       // who belongs to a vault, and since and until when
#include <casasync/page.hpp>          // a page of the log as bytes
#include <casasync/part_front.hpp>    // what a device says with each part it sends
#include <casasync/transport.hpp>     // concept: the way to a relay and back

#include <casasync/device_sync.hpp>        // restored and copied files, relays that lost something
#include <casasync/session.hpp>            // the sync conversation as a value
#include <casasync/snapshot_transfer.hpp>  // a snapshot to a relay and back
