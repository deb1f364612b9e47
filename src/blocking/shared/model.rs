//! A shared client's threads in all interleavings, with loom in place of the standard library's locks.
//!
//! Each test is run once for each order in which its threads can take the locks, as far as three preemptions per run lead
//! ([`PREEMPTIONS`]); switches where a thread has to wait anyway do not count. Loom fails a run in which all threads wait. The
//! server answers each command while its line is being written. There is no clock: [`Wait::Never`] stands for a deadline that has
//! passed, and the other threads are anywhere at that moment.
//!
//! To run it: `RUSTFLAGS="--cfg qemu_qmp_loom" cargo test --lib --target-dir target/loom model`

use super::leader::Leader;
use crate::blocking::connection::Parts;
use crate::blocking::sync::{lock, wait_for_change, Condvar, Mutex};
use crate::blocking::transport::{Closer, OutputLine, Transport, Wait};
use crate::error::{ErrorKind, Result};
use crate::fds::Fds;
use crate::message::Request;
use crate::session::{Incoming, Session, SessionOptions};
use crate::trace::CommandSpan;
use loom::thread::{self, JoinHandle};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// How often a run may switch threads where it need not, unless `LOOM_MAX_PREEMPTIONS` says otherwise.
const PREEMPTIONS: usize = 3;

const GREETING: &[u8] =
    b"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 0, \"major\": 10}, \"package\": \"\"}, \
    \"capabilities\": []}}\n";

/// A server's treatment of commands.
#[derive(Clone, Copy, PartialEq)]
enum Script {
    /// Answers each.
    Answer,
    /// Answers each, and sends an event before the answer.
    EventFirst,
    /// Answers each, and sends an event after the answer.
    EventLast,
    /// Answers none.
    Ignore,
    /// Takes nothing until the connection ends.
    TakeNothing,
    /// Refuses all.
    Refuse,
    /// Answers none, and a thread that reads or writes does not notice that this side closes the connection.
    IgnoreClose,
    /// Answers each, and takes only half a line at a time: the first half at once, the rest from those who wait.
    TakeHalves,
}

struct Server {
    script: Script,
    state: Mutex<ServerState>,
    changed: Condvar,
}

#[derive(Default)]
struct ServerState {
    /// The beginning of a line.
    input: String,
    output: Vec<u8>,
    commands: usize,
    ended: bool,
}

impl Server {
    /// Ends the connection. What was sent before can still be read.
    fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }
}

impl ServerState {
    fn take(&mut self, bytes: &[u8], script: Script) {
        self.input.push_str(std::str::from_utf8(bytes).unwrap());
        if !self.input.ends_with('\n') {
            return;
        }
        let line = std::mem::take(&mut self.input);
        // No two lines were mixed.
        let (name, id) = line.strip_prefix("{\"execute\":\"").unwrap().split_once("\",\"id\":").unwrap();
        let id = id.strip_suffix("}\n").unwrap();
        assert!(!id.contains('{'), "{line}");
        self.commands += 1;
        let (event, answer) = ("{\"event\": \"E\"}\n", format!("{{\"return\": \"{name}\", \"id\": {id}}}\n"));
        let lines = match script {
            Script::Answer | Script::TakeHalves => [&answer, ""],
            Script::EventFirst => [event, &answer],
            Script::EventLast => [&answer, event],
            Script::Ignore | Script::IgnoreClose | Script::TakeNothing | Script::Refuse => ["", ""],
        };
        lines.iter().for_each(|line| self.output.extend_from_slice(line.as_bytes()));
    }
}

/// One half of the transport.
struct End(Arc<Server>);

impl Transport for End {
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
        let mut state = lock(&self.0.state);
        loop {
            if !state.output.is_empty() || state.ended {
                let count = state.output.len().min(buffer.len());
                buffer[..count].copy_from_slice(&state.output[..count]);
                state.output.drain(..count);
                return Ok(count);
            }
            if wait.is_over() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state = wait_for_change(&self.0.changed, state, wait);
        }
    }

    fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
        let mut state = lock(&self.0.state);
        while self.0.script == Script::TakeNothing && !state.ended {
            if wait.is_over() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state = wait_for_change(&self.0.changed, state, wait);
        }
        if state.ended || self.0.script == Script::Refuse {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = match self.0.script {
            Script::TakeHalves if state.input.is_empty() => bytes.len() / 2,
            Script::TakeHalves if wait.is_over() => return Err(io::ErrorKind::WouldBlock.into()),
            _ => bytes.len(),
        };
        state.take(&bytes[..count], self.0.script);
        self.0.changed.notify_all();
        Ok(count)
    }

    fn close(&mut self) {
        if self.0.script != Script::IgnoreClose {
            self.0.end();
        }
    }

    fn closer(&mut self) -> Option<Closer> {
        let mut end = End(self.0.clone());
        Some(Box::new(move || end.close()))
    }
}

/// A connection whose handshake is over.
fn connect(script: Script) -> (Arc<Leader>, Arc<Server>) {
    let mut session = Session::new(SessionOptions::new());
    session.handle_input(GREETING);
    let sent = String::from_utf8(session.take_output().unwrap().bytes).unwrap();
    let (_, id) = sent.split_once("\"id\":").unwrap();
    session.handle_input(format!("{{\"return\": {{}}, \"id\": {id}").as_bytes());
    assert!(matches!(session.poll(), Some(Incoming::Ready)));
    let server = Arc::new(Server { script, state: Mutex::default(), changed: Condvar::new() });
    let (transport, writer) = (Box::new(End(server.clone())), Box::new(End(server.clone())));
    let parts = Parts { session, transport, output: OutputLine::default(), chunk: vec![0; 256] };
    (Arc::new(Leader::new(parts, writer)), server)
}

/// Returns whether the reply came in time. It is this command's own.
fn call(leader: &Leader, name: &str, wait: Wait) -> Result<bool> {
    let span = CommandSpan::start(&leader.label, name);
    let ended = leader.call(Request::untyped(name, None), Fds::default(), wait, &span)?;
    if let Some((reply, _)) = &ended {
        assert_eq!(reply.as_ref().unwrap().result().unwrap(), format!("\"{name}\""));
    }
    Ok(ended.is_some())
}

fn spawn<T: 'static>(leader: &Arc<Leader>, run: impl FnOnce(&Leader) -> T + 'static) -> JoinHandle<T> {
    let leader = leader.clone();
    thread::spawn(move || run(&leader))
}

/// Nothing is left over: each command that the server took was answered, and each answer delivered or counted as late.
fn check_replies(leader: &Leader, server: &Server, delivered: usize) {
    leader.drain();
    let commands = lock(&server.state).commands;
    let counters = leader.with_session(|session| session.counters());
    assert_eq!((commands, counters.unknown_replies), (delivered + counters.late_replies as usize, 0));
}

fn model(run: impl Fn() + Send + Sync + 'static) {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(PREEMPTIONS);
    builder.max_branches = 5_000;
    let counted = runs.clone();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        run();
    });
    println!("{} runs", runs.load(Ordering::Relaxed));
}

#[test]
fn each_call_gets_its_own_reply() {
    model(|| {
        let (leader, server) = connect(Script::Answer);
        let other = spawn(&leader, |leader| call(leader, "a", Wait::Forever));
        assert!(call(&leader, "b", Wait::Forever).unwrap());
        assert!(other.join().unwrap().unwrap());
        check_replies(&leader, &server, 2);
    });
}

#[test]
fn each_of_three_calls_gets_its_own_reply() {
    model(|| {
        let (leader, server) = connect(Script::Answer);
        let others = ["a", "b"].map(|name| spawn(&leader, move |leader| call(leader, name, Wait::Forever)));
        assert!(call(&leader, "c", Wait::Forever).unwrap());
        others.into_iter().for_each(|other| assert!(other.join().unwrap().unwrap()));
        check_replies(&leader, &server, 3);
    });
}

fn give_up(script: Script) {
    model(move || {
        let (leader, server) = connect(script);
        let other = spawn(&leader, |leader| call(leader, "a", Wait::Never));
        assert!(call(&leader, "b", Wait::Forever).unwrap());
        let in_time = other.join().unwrap().unwrap();
        check_replies(&leader, &server, 1 + usize::from(in_time));
    });
}

#[test]
fn giving_up_leaves_the_other_call_alone() {
    give_up(Script::Answer);
}

#[test]
fn what_was_given_up_half_written_is_finished() {
    give_up(Script::TakeHalves);
}

#[test]
fn giving_up_leaves_two_other_calls_alone() {
    model(|| {
        let (leader, server) = connect(Script::Answer);
        let waits = spawn(&leader, |leader| call(leader, "a", Wait::Forever));
        let gives_up = spawn(&leader, |leader| call(leader, "b", Wait::Never));
        assert!(call(&leader, "c", Wait::Forever).unwrap());
        assert!(waits.join().unwrap().unwrap());
        let in_time = gives_up.join().unwrap().unwrap();
        check_replies(&leader, &server, 2 + usize::from(in_time));
    });
}

/// Two threads call while this one ends the connection. Each call ends, with its reply or with this error.
fn end_while_two_call(script: Script, end: fn(&Leader, &Server), kind: ErrorKind) {
    model(move || {
        let (leader, server) = connect(script);
        let others = ["a", "b"].map(|name| spawn(&leader, move |leader| call(leader, name, Wait::Forever)));
        end(&leader, &server);
        for other in others {
            match other.join().unwrap() {
                Ok(in_time) => assert!(in_time && script != Script::Ignore),
                Err(error) => assert_eq!(error.kind(), kind),
            }
        }
    });
}

/// One thread is stuck in writing or about to be, and one in reading.
#[test]
fn closing_ends_a_reader_and_a_writer() {
    model(|| {
        let (leader, _) = connect(Script::TakeNothing);
        let reader = spawn(&leader, |leader| leader.wait_for(Wait::Forever, Session::take_event).map(|_| ()));
        let writer = spawn(&leader, |leader| call(leader, "a", Wait::Forever).map(|_| ()));
        leader.close();
        for thread in [reader, writer] {
            assert_eq!(thread.join().unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
        }
    });
}

#[test]
fn a_lost_connection_ends_calls() {
    end_while_two_call(Script::Answer, |_, server| server.end(), ErrorKind::Closed);
}

#[test]
fn a_lost_connection_ends_calls_that_are_not_answered() {
    end_while_two_call(Script::Ignore, |_, server| server.end(), ErrorKind::Closed);
}

#[test]
fn closing_ends_calls() {
    end_while_two_call(Script::Answer, |leader, _| leader.close(), ErrorKind::NotConnected);
}

#[test]
fn closing_ends_calls_that_are_not_answered() {
    end_while_two_call(Script::Ignore, |leader, _| leader.close(), ErrorKind::NotConnected);
}

/// One of two threads that wait reads for both. The other one ends, and then ends the connection.
#[test]
fn closing_ends_who_waits_for_a_reader_that_does_not_notice() {
    model(|| {
        let (leader, server) = connect(Script::IgnoreClose);
        let waits = |server: Arc<Server>| {
            spawn(&leader, move |leader| {
                let error = leader.wait_for(Wait::Forever, Session::take_event).unwrap_err();
                server.end();
                error.kind()
            })
        };
        let threads = [waits(server.clone()), waits(server)];
        leader.close();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), ErrorKind::NotConnected);
        }
    });
}

#[test]
fn an_error_of_writing_ends_a_reader() {
    model(|| {
        let (leader, _) = connect(Script::Refuse);
        let reader = spawn(&leader, |leader| leader.wait_for(Wait::Forever, Session::take_event).map(|_| ()));
        assert!(call(&leader, "a", Wait::Forever).unwrap_err().is_closed());
        assert!(reader.join().unwrap().unwrap_err().is_closed());
    });
}

fn wait_for_event(script: Script) {
    model(move || {
        let (leader, server) = connect(script);
        let other = spawn(&leader, |leader| leader.wait_for(Wait::Forever, Session::take_event));
        assert!(call(&leader, "a", Wait::Forever).unwrap());
        let (_, event) = other.join().unwrap().unwrap().unwrap();
        assert_eq!(&*event.unwrap().name, "E");
        check_replies(&leader, &server, 1);
    });
}

#[test]
fn an_event_before_the_reply_is_received() {
    wait_for_event(Script::EventFirst);
}

#[test]
fn an_event_after_the_reply_is_received() {
    wait_for_event(Script::EventLast);
}

#[test]
fn closing_ends_a_wait_for_an_event() {
    model(|| {
        let (leader, _) = connect(Script::Ignore);
        let other = spawn(&leader, |leader| leader.wait_for(Wait::Forever, Session::take_event).map(|_| ()));
        leader.close();
        assert_eq!(other.join().unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}
