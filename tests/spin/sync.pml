/* SPDX-License-Identifier: MIT
 *
 * How a device and its relay talk: outbox, push, pull, merge, cursor, acknowledge. Requests and answers get lost,
 * requests arrive twice, a device is killed at any moment, a relay is put back to an older state once. What
 * include/casasync/session.hpp does step by step, with the bytes taken away.
 *
 *   -DDEVICES=2 -DWRITES=2 -DFAULTS=2     how large a world is searched
 *   -DROLLBACK                            the relay may be put back once, into another life of its log
 *   -DTRACE                               prints every step and the state after it, for the replay against the C++
 */
#ifndef DEVICES
#define DEVICES 2
#endif
#ifndef WRITES
#define WRITES 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define RECORDS 8 /* DEVICES * WRITES changesets at most, and room to see an overflow */

/* What a session does next. */
#define idle 0
#define pushing 1
#define pulling 2
#define acknowledging 3

typedef device_state {
    /* durable, each step of it one transaction */
    byte written;          /* writes of the app */
    byte sealed;           /* changesets made of them */
    byte covered[RECORDS]; /* writes up to and with the n-th changeset */
    byte settled;          /* changesets that left the outbox */
    byte life;             /* generation of the log the cursor is in; 0: none yet */
    byte cursor;
    byte merged[DEVICES]; /* changesets of each device */
    byte seen[DEVICES];   /* writes of each device that are visible */
    /* of a session, gone when the device is killed */
    byte step;
    byte start;
    bool recovered
};

typedef record {
    byte author;
    byte seq;
    byte writes
};

device_state dev[DEVICES];
record log[RECORDS];
byte head = 0, life = 1;
byte stored[DEVICES];       /* changesets of each device in the log */
byte acknowledged[DEVICES]; /* what each device has said it holds */
byte faults = FAULTS;
bool rolled_back = false;

/* In a trace, a line is: the event, the device, what the call met, a number; then the device's sealed, settled,
 * life, cursor, step, writes seen of each device; then the relay's head. */
mtype = {on_write, on_kill, on_begin, on_push, on_pull, on_restart, on_acknowledge, on_rollback,
         fine, request_lost, answer_lost, twice};
#ifdef TRACE
#define tell(event, d, fate, n)                                                                                   \
    printf("@ %e %d %e %d | %d %d %d %d %d %d %d | %d\n", event, d, fate, n, dev[d].sealed, dev[d].settled,        \
           dev[d].life, dev[d].cursor, dev[d].step, dev[d].seen[0], dev[d].seen[1], head)
#else
#define tell(event, d, fate, n) skip
#endif

inline seal(d) {
    if
    :: dev[d].written > (dev[d].sealed == 0 -> 0 : dev[d].covered[dev[d].sealed - 1]) ->
        dev[d].covered[dev[d].sealed] = dev[d].written;
        dev[d].sealed++;
        dev[d].merged[d] = dev[d].sealed
    :: else
    fi
}

/* The relay takes the outbox: what it has is recognised, the rest must follow without a hole. */
inline relay_takes(d) {
    gap = (dev[d].settled > stored[d]);
    i = stored[d];
    do
    :: !gap && i < dev[d].sealed ->
        assert(head < RECORDS);
        log[head].author = d;
        log[head].seq = i + 1;
        log[head].writes = dev[d].covered[i];
        head++;
        i++
    :: else -> break
    od;
    if
    :: !gap && stored[d] < dev[d].sealed -> stored[d] = dev[d].sealed
    :: else
    fi
}

/* Up to `n` records are stored and merged, and the cursor moves, in one transaction. */
inline take_page(d, n) {
    i = 0;
    do
    :: i < n && dev[d].cursor < head ->
        a = log[dev[d].cursor].author;
        if
        :: a != d && log[dev[d].cursor].seq > dev[d].merged[a] ->
            assert(log[dev[d].cursor].seq == dev[d].merged[a] + 1); /* no hole, no second effect */
            dev[d].merged[a]++;
            assert(log[dev[d].cursor].writes >= dev[d].seen[a]);
            dev[d].seen[a] = log[dev[d].cursor].writes
        :: else
        fi;
        dev[d].cursor++;
        i++
    :: else -> break
    od;
    dev[d].life = life
}

inline end_session(d) {
    dev[d].step = idle;
    dev[d].start = 0;
    dev[d].recovered = false
}

inline after_page(d) {
    if
    :: dev[d].cursor < head -> dev[d].step = pulling
    :: dev[d].cursor == head && dev[d].cursor != 0 && dev[d].cursor != dev[d].start -> dev[d].step = acknowledging
    :: else -> end_session(d)
    fi
}

proctype device(byte d) {
    byte i, a;
    bool gap;
    do
    :: atomic { /* the app writes, whatever the session does */
        dev[d].written < WRITES ->
        dev[d].written++;
        dev[d].seen[d] = dev[d].written;
        tell(on_write, d, fine, 0)
    }
    :: atomic { /* killed: what is durable stays */
        dev[d].step != idle && faults > 0 ->
        faults--;
        end_session(d);
        tell(on_kill, d, fine, 0)
    }
    :: atomic { /* a sync begins */
        dev[d].step == idle ->
        seal(d);
        dev[d].start = dev[d].cursor;
        dev[d].step = (dev[d].settled < dev[d].sealed -> pushing : pulling);
        tell(on_begin, d, fine, 0)
    }
    :: atomic {
        dev[d].step == pushing ->
        if
        :: relay_takes(d);
            if /* what keeps a device from pushing does not keep it from receiving */
            :: !gap -> dev[d].settled = dev[d].sealed
            :: else
            fi;
            dev[d].step = pulling;
            tell(on_push, d, fine, 0)
        :: faults > 0 -> faults--; end_session(d); tell(on_push, d, request_lost, 0)
        :: faults > 0 -> faults--; relay_takes(d); end_session(d); tell(on_push, d, answer_lost, 0)
        :: faults > 0 ->
            faults--;
            relay_takes(d);
            relay_takes(d);
            if
            :: !gap -> dev[d].settled = dev[d].sealed
            :: else
            fi;
            dev[d].step = pulling;
            tell(on_push, d, twice, 0)
        fi
    }
    :: atomic {
        dev[d].step == pulling && dev[d].life != 0 && dev[d].life != life ->
        if
        :: !dev[d].recovered -> /* another life of the log: it is read from its beginning */
            dev[d].recovered = true;
            dev[d].life = 0;
            dev[d].cursor = 0;
            dev[d].start = 0;
            tell(on_restart, d, fine, 0)
        :: else -> end_session(d)
        fi
    }
    :: atomic {
        dev[d].step == pulling && (dev[d].life == 0 || dev[d].life == life) ->
        if
        :: take_page(d, 1); seal(d); after_page(d); tell(on_pull, d, fine, 1)
        :: take_page(d, 2); seal(d); after_page(d); tell(on_pull, d, fine, 2)
        :: faults > 0 -> faults--; end_session(d); tell(on_pull, d, answer_lost, 1)
        fi
    }
    :: atomic {
        dev[d].step == acknowledging ->
        if
        :: (acknowledged[d] < dev[d].cursor) -> acknowledged[d] = dev[d].cursor
        :: else
        fi;
        end_session(d);
        tell(on_acknowledge, d, fine, 0)
    }
    od
}

#ifdef ROLLBACK
proctype disaster() {
    byte i;
    atomic {
        head > 0 ->
        if
        :: head = 0
        :: head > 1 -> head = head - 1
        fi;
        life++;
        rolled_back = true;
        i = 0;
        do
        :: i < DEVICES -> stored[i] = 0; acknowledged[i] = 0; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < head -> stored[log[i].author] = log[i].seq; i++
        :: else -> break
        od;
        tell(on_rollback, 0, fine, head)
    }
}
#endif

#define holds_what_it_settled(d) (rolled_back || dev[d].settled <= stored[d])
#define merged_what_it_read(d)                                                                                    \
    (dev[d].cursor <= head || dev[d].life != life) && (rolled_back || acknowledged[d] <= dev[d].cursor)
#define sees_no_more_than_written(d, a) (dev[d].seen[a] <= dev[a].written)
#define done(d, a) (dev[d].seen[a] == dev[a].written && dev[d].settled == dev[d].sealed)

/* Nothing leaves an outbox before the relay has it; no cursor is ahead of what was merged; nothing comes from
 * nowhere. */
ltl safe { [] (holds_what_it_settled(0) && holds_what_it_settled(1) && merged_what_it_read(0) && merged_what_it_read(1) &&
               sees_no_more_than_written(0, 1) && sees_no_more_than_written(1, 0)) }

/* Once the faults are spent, everything written is seen everywhere, and stays so. */
ltl live { <> [] (done(0, 0) && done(0, 1) && done(1, 0) && done(1, 1)) }

init {
    byte d = 0;
    atomic {
        do
        :: d < DEVICES -> run device(d); d++
        :: else -> break
        od;
#ifdef ROLLBACK
        run disaster()
#endif
    }
}
