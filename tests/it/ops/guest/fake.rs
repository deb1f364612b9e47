//! A connection whose clock moves only while somebody waits, with an agent that has its answers ready.

use super::synchronize;
use qemu_qmp::blocking::Client;
use qemu_qmp::message::RawEvent;
use qemu_qmp::ops::{Answer, Asynchronous, Connection};
use qemu_qmp::qga::commands::GuestPing;
use qemu_qmp::session::{CallSpan, EventCursor};
use qemu_qmp::{CommandFor, Error, GuestAgent, Result};
use serde_json::Value;
use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use support::{options, Peer, Script, PATIENCE};

/// How long a call may take by itself.
pub const CALL: Duration = Duration::from_secs(60);

/// What the agent does about a command.
pub enum Say {
    Returns(Value),
    Refuses(&'static str),
    /// Nothing, until the call's time is over.
    Silence,
    /// Ends the connection.
    Goes,
    /// Writes a line that is none.
    Garbles,
}

pub struct Fake {
    start: Instant,
    now: Instant,
    answers: VecDeque<Say>,
    /// What was executed, each with the time that it began, and the time when it was to be given up, in milliseconds.
    pub calls: Vec<(String, u128, u128)>,
    /// How long was slept, in milliseconds.
    pub sleeps: Vec<u128>,
}

impl Fake {
    pub fn new(answers: impl IntoIterator<Item = Say>) -> Self {
        let start = Instant::now();
        let answers = answers.into_iter().collect();
        Fake { start, now: start, answers, calls: Vec::new(), sleeps: Vec::new() }
    }

    /// The names of what was executed. Nothing is left to be answered.
    pub fn names(&self) -> Vec<&str> {
        assert!(self.answers.is_empty(), "there were more answers");
        self.calls.iter().map(|(name, ..)| &**name).collect()
    }

    /// How much time has passed, in milliseconds.
    pub fn passed(&self) -> u128 {
        (self.now - self.start).as_millis()
    }
}

impl Connection for &mut Fake {
    type Peer = GuestAgent;
    type Mode = Asynchronous;

    async fn execute<C: CommandFor<GuestAgent>>(
        &mut self,
        _: C,
        deadline: Option<Instant>,
    ) -> Result<Answer<C::Reply>> {
        let until = deadline.map_or(self.now + CALL, |deadline| deadline.min(self.now + CALL)).max(self.now);
        self.calls.push((C::NAME.to_owned(), self.passed(), (until - self.start).as_millis()));
        let say = self.answers.pop_front().unwrap_or_else(|| panic!("{} is not expected", C::NAME));
        if matches!(say, Say::Silence) {
            self.now = until;
        }
        match say {
            Say::Returns(value) => Ok(Answer::new(C::decode_reply(&value.to_string()).unwrap(), CallSpan::default())),
            say => Err(failure(say)),
        }
    }

    async fn find_event<T>(
        &mut self,
        _: Option<Instant>,
        _: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
    ) -> Result<Option<T>> {
        panic!("an agent has no events")
    }

    async fn sleep_until(&mut self, time: Instant) {
        self.sleeps.push(time.saturating_duration_since(self.now).as_millis());
        self.now = self.now.max(time);
    }

    fn now(&self) -> Instant {
        self.now
    }
}

/// The error that a real client has for this.
fn failure(say: Say) -> Error {
    let (ours, theirs) = UnixStream::pair().unwrap();
    // Only silence has a deadline that passes.
    let timeout = if matches!(say, Say::Silence) { Duration::ZERO } else { PATIENCE };
    let script = Script::start(move || {
        let mut peer = Peer::unix(theirs);
        synchronize(&mut peer);
        let ping = peer.expect("guest-ping");
        match say {
            Say::Refuses(desc) => peer.error(&ping, "GenericError", desc),
            Say::Garbles => peer.line("garbage"),
            Say::Silence => peer.wait_for_end(),
            Say::Goes | Say::Returns(_) => {}
        }
    });
    let mut agent = Client::<GuestAgent>::connect_over(ours, &options()).unwrap();
    let error = agent.within(timeout).execute(GuestPing::new()).unwrap_err();
    drop(agent);
    script.finish();
    error
}
