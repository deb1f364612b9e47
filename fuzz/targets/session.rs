//! A session, with bytes and calls in any order: each call ends once, with its own reply; events come once and in order;
//! nothing comes after the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qemu_qmp::message::Request;
use qemu_qmp::qga::commands::GuestShutdown;
use qemu_qmp::session::{
    EventCursor, EventFilter, Id, Incoming, Session, SessionOptions, SubscribeFrom, Subscriber,
};
use qemu_qmp::ErrorKind;
use serde_json::{json, Value};
use std::collections::{HashMap, HashSet};
use std::io;

/// What a reply of this target's own returns: this, and the id on the wire.
const MARK: &str = "reply to ";

/// A script, read byte by byte.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn bytes(&mut self) -> &'a [u8] {
        let count = usize::from(self.byte()).min(self.0.len());
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }
}

#[derive(Default)]
struct Model {
    /// Commands that have not ended.
    open: HashSet<Id>,
    /// All commands, in the order in which they were sent.
    sent: Vec<Id>,
    /// Ids on the wire of the commands that were output.
    wire_ids: HashMap<Id, Value>,
    /// Commands that were output, in order; negotiation has no name.
    output: Vec<(Option<Id>, Value)>,
    ended: Option<ErrorKind>,
    subscribers: Vec<(Subscriber, EventCursor)>,
    own: EventCursor,
    events: u32,
}

impl Model {
    fn poll(&mut self, session: &mut Session) {
        while let Some(incoming) = session.poll() {
            assert!(self.ended.is_none(), "{incoming:?} came after the end");
            match incoming {
                Incoming::Ready => assert!(session.end().is_some() || session.is_ready()),
                Incoming::Done { id, outcome, .. } => {
                    assert!(self.open.remove(&id), "{id:?} ended twice, or was cancelled");
                    let Ok(Some(reply)) = outcome else { continue };
                    let Ok(value) = reply.result() else { continue };
                    let Ok(Value::String(text)) = serde_json::from_str(value) else { continue };
                    if let Some(wire_id) = text.strip_prefix(MARK) {
                        assert_eq!(self.wire_ids[&id].to_string(), wire_id, "{id:?} got another's reply");
                    }
                }
                Incoming::Ended(error) => {
                    assert!(self.open.is_empty(), "{:?} did not end", self.open);
                    self.ended = Some(error.kind());
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, session: &mut Session, how: u8) {
        let request = match how % 5 {
            0 => Request::untyped("query-name", None),
            1 => Request::untyped("yank", Some(&json!({"instances": []}))).out_of_band(),
            2 => Request::untyped("stop", None).id(i64::from(how)),
            3 => Request::untyped("stop", None).id(format!("qmp#{how}")),
            _ => Request::new(&GuestShutdown::new()).expect("it can be encoded"),
        };
        match session.send(request) {
            Ok(id) => {
                assert!(session.end().is_none());
                assert!(self.open.insert(id));
                self.sent.push(id);
            }
            Err(error) => assert!(
                error.kind() == ErrorKind::OobUnavailable
                    || session.end().is_some_and(|end| end.kind() == error.kind())
            ),
        }
    }

    fn take_output(&mut self, session: &mut Session) {
        if let Some(output) = session.take_output() {
            let start = output.bytes.iter().take_while(|&&byte| byte == 0xff).count();
            let mut message: Value = serde_json::from_slice(&output.bytes[start..]).expect("output is JSON");
            assert!(output.bytes.ends_with(b"\n"));
            let wire_id = message["id"].take();
            if let Some(id) = output.id {
                assert!(self.open.contains(&id), "{id:?} was output after its end");
                self.wire_ids.insert(id, wire_id.clone());
            }
            let sync = message["arguments"]["id"].take();
            self.output.push((output.id, if output.id.is_none() { json!([wire_id, sync]) } else { wire_id }));
        }
    }

    fn reply(&mut self, session: &mut Session, which: u8, how: u8) {
        let Some((id, wire_id)) = self.output.get(usize::from(which) % self.output.len().max(1)) else { return };
        let line = match (id, how % 4) {
            (None, _) => {
                let handshake = json!({"return": wire_id[1], "id": wire_id[0]});
                session.handle_input(if how & 16 == 0 { b"" } else { b"\xff" });
                handshake
            }
            (Some(_), 0) => json!({"error": {"class": "GenericError", "desc": "no"}, "id": wire_id}),
            (Some(_), 1) => json!({"error": {"class": "GenericError", "desc": "no"}}),
            (Some(_), _) => json!({"return": format!("{MARK}{wire_id}"), "id": wire_id}),
        };
        session.handle_input(format!("{line}\r\n").as_bytes());
    }

    fn event(&mut self, session: &mut Session) {
        self.events += 1;
        let name = if self.events % 3 == 0 { "STOP" } else { "RESUME" };
        let line = json!({"event": name, "data": {"number": self.events}});
        session.handle_input(format!("{line}\n").as_bytes());
    }

    fn subscribe(&mut self, session: &mut Session, how: u8) {
        let from = [SubscribeFrom::Now, SubscribeFrom::Kept, SubscribeFrom::HandedOver][usize::from(how % 3)];
        let filter = if how & 8 == 0 { EventFilter::All } else { EventFilter::Named("STOP") };
        self.subscribers.push((session.subscribe(from, filter), EventCursor::START));
    }

    fn take_events(&mut self, session: &mut Session, which: u8) {
        let count = self.subscribers.len();
        let Some((subscriber, last)) = self.subscribers.get_mut(usize::from(which) % count.max(1)) else { return };
        if let Some((cursor, event)) = session.take_event_for(*subscriber) {
            assert!(cursor < session.event_cursor());
            if event.is_ok() {
                assert!(*last <= cursor, "an event came twice, or late");
                *last = cursor;
                session.remove_event(cursor);
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let mut script = Script(input);
    let options = SessionOptions::new()
        .max_line_len(64 + usize::from(script.byte()))
        .max_events(usize::from(script.byte() % 8))
        .oob(script.byte() & 1 == 0);
    let mut session = match script.byte() & 1 {
        0 => Session::new(options),
        _ => Session::guest_agent(options, 7),
    };
    let mut model = Model::default();
    while !script.0.is_empty() {
        match script.byte() % 20 {
            0 => session.handle_input(script.bytes()),
            1 => session.handle_input(
                b"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 9}}, \"capabilities\": [\"oob\"]}}\n",
            ),
            2..=4 => {
                let (which, how) = (script.byte(), script.byte());
                model.reply(&mut session, which, how);
            }
            5 | 6 => model.event(&mut session),
            7..=9 => model.send(&mut session, script.byte()),
            10 => {
                let which = usize::from(script.byte());
                if let Some(id) = model.sent.get(which % model.sent.len().max(1)) {
                    session.cancel(*id);
                    // What ended before and was not told yet is not told any more.
                    model.open.remove(id);
                }
            }
            11..=13 => model.take_output(&mut session),
            14 => {
                if let Some((Some(id), _)) = model.output.last() {
                    session.handle_written(*id);
                }
            }
            15 => model.subscribe(&mut session, script.byte()),
            16 => model.take_events(&mut session, script.byte()),
            17 => match session.take_event() {
                Some((cursor, Ok(_))) => {
                    assert!(model.own <= cursor);
                    model.own = cursor;
                }
                _ => drop(session.take_event_error()),
            },
            18 => model.poll(&mut session),
            _ => match script.byte() {
                0 => session.handle_eof(None),
                1 => session.handle_eof(Some(io::ErrorKind::ConnectionReset.into())),
                2 => session.handle_write_error(io::ErrorKind::BrokenPipe.into()),
                3 => session.close(),
                4 => session.clear_events(),
                which => {
                    if let Some((subscriber, _)) = model.subscribers.get(usize::from(which - 5)) {
                        session.unsubscribe(*subscriber);
                    }
                }
            },
        }
    }
    session.handle_eof(None);
    model.poll(&mut session);
    assert!(model.ended.is_some() && model.open.is_empty());
});
