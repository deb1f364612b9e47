//! A session that is fed by hand.

use crate::messages;
use qemu_qmp::message::{Reply, Request};
use qemu_qmp::session::{Incoming, Output, Session, SessionOptions};

/// A session in command mode.
pub fn ready() -> Session {
    ready_with(SessionOptions::new())
}

pub fn ready_with(options: SessionOptions) -> Session {
    let mut session = Session::new(options);
    session.handle_input(messages::GREETING);
    session.take_output().expect("the negotiation");
    session.handle_input(b"{\"return\": {}, \"id\": \"qmp#1\"}\r\n");
    assert!(matches!(session.poll(), Some(Incoming::Ready)));
    session
}

/// A command, and the reply to it.
pub fn answer(session: &mut Session, request: Request, reply: &mut Vec<u8>) -> Reply {
    let id = session.send(request).expect("it is ready");
    let output = session.take_output().expect("the command");
    session.handle_written(id);
    reply_to(session, &output, reply)
}

/// The reply to a command that was output. `reply` is all of it but the id.
pub fn reply_to(session: &mut Session, output: &Output, reply: &mut Vec<u8>) -> Reply {
    let at = output.bytes.windows(4).rposition(|bytes| bytes == b"qmp#").expect("an id");
    let end = reply.len();
    reply.extend_from_slice(b", \"id\": \"");
    reply.extend_from_slice(output.bytes[at..].trim_ascii_end());
    reply.extend_from_slice(b"\r\n");
    session.handle_input(reply);
    reply.truncate(end);
    match session.poll() {
        Some(Incoming::Done { outcome, .. }) => outcome.expect("it is answered").expect("it is answered"),
        other => panic!("{other:?}"),
    }
}
