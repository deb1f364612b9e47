//! A connection whose clock moves only while somebody waits, to an agent that is told what becomes of each command.

use qemu_qmp::blocking::Client;
use qemu_qmp::fake::{Fake, Fault};
use qemu_qmp::message::RawEvent;
use qemu_qmp::ops::{Answer, Asynchronous, Connection};
use qemu_qmp::session::{CallSpan, EventCursor};
use qemu_qmp::{CommandFor, ErrorClass, GuestAgent, Result, ServerError};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use support::{options, PATIENCE, SOON};

/// How long a call may take by itself.
pub const CALL: Duration = Duration::from_secs(60);

pub use Fault::{Return, Silence};

pub fn refuses(desc: &str) -> Fault {
    Fault::Error(ServerError::new(ErrorClass::GenericError, desc))
}

pub fn garbles() -> Fault {
    Fault::Instead(b"garbage\n".to_vec())
}

pub struct Clocked {
    start: Instant,
    now: Instant,
    fake: Fake<GuestAgent>,
    agent: Client<GuestAgent>,
    answers: VecDeque<Fault>,
    /// What was executed, each with the time that it began, and the time when it was to be given up, in milliseconds.
    pub calls: Vec<(String, u128, u128)>,
    /// How long was slept, in milliseconds.
    pub sleeps: Vec<u128>,
}

impl Clocked {
    pub fn new(answers: impl IntoIterator<Item = Fault>) -> Self {
        let fake = Fake::of_peer();
        fake.without_answers().otherwise(|_| Ok(Value::Null));
        let (start, agent) = (Instant::now(), fake.client_with(&options()).unwrap());
        let answers = answers.into_iter().collect();
        Clocked { start, now: start, fake, agent, answers, calls: Vec::new(), sleeps: Vec::new() }
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

impl Connection for &mut Clocked {
    type Peer = GuestAgent;
    type Mode = Asynchronous;

    async fn execute<C: CommandFor<GuestAgent>>(
        &mut self,
        command: C,
        deadline: Option<Instant>,
    ) -> Result<Answer<C::Reply>> {
        let until = deadline.map_or(self.now + CALL, |deadline| deadline.min(self.now + CALL)).max(self.now);
        self.calls.push((C::NAME.to_owned(), self.passed(), (until - self.start).as_millis()));
        let fault = self.answers.pop_front().unwrap_or_else(|| panic!("{} is not expected", C::NAME));
        let timeout = if fault == Silence { SOON } else { PATIENCE };
        if fault == Silence {
            self.now = until;
        }
        self.fake.fault_next(fault);
        self.agent.within(timeout).execute(command).map(|reply| Answer::new(reply, CallSpan::default()))
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
