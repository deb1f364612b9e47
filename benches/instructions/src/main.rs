//! One hot path of the crate, as often as the second argument says. `benches/count` runs it under callgrind with two numbers of
//! times; the difference is what one time costs.
//!
//! The messages have the members of QEMU's, in QEMU's order.

mod messages;
mod session;

use qemu_qmp::message::Request;
use qemu_qmp::qmp::{commands::*, events::AnyEvent};
use qemu_qmp::session::{Session, SessionOptions};
use qemu_qmp::Command;
use session::{answer, ready, ready_with, reply_to};
use std::hint::black_box;

const NAMES: &str =
    "event, call, session|value × schema|machines|blocks|stats, line-MEBIBYTES, backwards|unsent|dropped-CALLS";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (name, times) = (arguments.next().expect(NAMES), arguments.next().and_then(|times| times.parse().ok()));
    let times = times.expect("a number of times");
    match (name.as_str(), name.split_once('-')) {
        ("event", _) => event(times),
        ("call", _) => call(times),
        (_, Some(("session", "schema"))) => reply::<QueryQmpSchema>(times, &messages::schema()),
        (_, Some(("session", "machines"))) => reply::<QueryMachines>(times, &messages::machines()),
        (_, Some(("session", "blocks"))) => reply::<QueryNamedBlockNodes>(times, &messages::blocks()),
        (_, Some(("session", "stats"))) => reply::<QueryBlockstats>(times, &messages::stats()),
        (_, Some(("value", "schema"))) => value::<QueryQmpSchema>(times, &messages::schema()),
        (_, Some(("value", "machines"))) => value::<QueryMachines>(times, &messages::machines()),
        (_, Some(("value", "blocks"))) => value::<QueryNamedBlockNodes>(times, &messages::blocks()),
        (_, Some(("value", "stats"))) => value::<QueryBlockstats>(times, &messages::stats()),
        (_, Some(("line", mebibytes))) => line(times, mebibytes.parse().expect(NAMES)),
        (_, Some((end @ ("backwards" | "unsent" | "dropped"), calls))) => {
            in_flight(times, end, calls.parse().expect(NAMES));
        }
        _ => panic!("one of: {NAMES}"),
    }
}

/// From the line to the typed value.
fn event(times: u32) {
    let mut session = ready();
    // Where a client reads to, and the standard library looks at it by words. A constant may be anywhere.
    let line = messages::EVENT.to_vec();
    for _ in 0..times {
        session.handle_input(&line);
        let (_, event) = session.take_event().expect("it was kept");
        black_box(event.expect("it is one").decode_as::<AnyEvent>());
    }
}

fn call(times: u32) {
    let mut session = ready();
    let mut reply = b"{\"return\": {\"status\": \"running\", \"singlestep\": false, \"running\": true}".to_vec();
    for _ in 0..times {
        let request = Request::new(&QueryStatus::new()).expect("it is one");
        black_box(answer(&mut session, request, &mut reply).decode::<QueryStatus>().expect("it fits"));
    }
}

fn reply<C: Command>(times: u32, value: &str) {
    let mut session = ready();
    let mut reply = format!("{{\"return\": {value}").into_bytes();
    for _ in 0..times {
        let request = Request::untyped(C::NAME, None);
        black_box(answer(&mut session, request, &mut reply).decode::<C>().expect("it fits"));
    }
}

fn value<C: Command>(times: u32, value: &str) {
    for _ in 0..times {
        black_box(C::decode_reply(black_box(value)).expect("it fits"));
    }
}

/// So many calls at a time, which end from the last to the first: with a reply, unsent, or sent and then dropped.
fn in_flight(times: u32, end: &str, calls: u32) {
    // With out-of-band commands, no more than eight others would be sent at a time.
    let mut session = ready_with(SessionOptions::new().oob(false));
    let mut reply = b"{\"return\": {}".to_vec();
    for _ in 0..times {
        let call = |_| session.send(Request::untyped("query-status", None)).expect("it is ready");
        let calls: Vec<_> = (0..calls).map(call).collect();
        let sends = end != "unsent";
        let sent: Vec<_> = std::iter::from_fn(|| sends.then(|| session.take_output()).flatten()).collect();
        assert_eq!(sent.len(), if sends { calls.len() } else { 0 });
        match end {
            "backwards" => sent.iter().rev().for_each(|output| drop(reply_to(&mut session, output, &mut reply))),
            _ => calls.iter().rev().for_each(|id| session.cancel(*id)),
        }
    }
}

/// A long line that comes in pieces of 4 kB.
fn line(times: u32, mebibytes: usize) {
    let text = format!("{{\"return\": \"{}\", \"id\": \"none\"}}\r\n", "x".repeat((mebibytes << 20) - 40));
    let mut session = Session::new(SessionOptions::new().max_line_len(2 * text.len()));
    session.handle_input(messages::GREETING);
    session.handle_input(b"{\"return\": {}, \"id\": \"qmp#1\"}\r\n");
    for _ in 0..times {
        for piece in text.as_bytes().chunks(4096) {
            session.handle_input(piece);
        }
    }
    assert_eq!(session.counters().unknown_replies, u64::from(times));
}
