//! Faults on purpose.

use crate::error::ServerError;
use serde_json::Value;
use std::time::Duration;

/// A fault in the answer to a command. Ordered with [`Fake::fault`](super::Fake::fault), or by a handler with
/// [`Exchange::fault`](super::Exchange::fault).
///
/// The command is executed nevertheless, unless this says otherwise.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The answer takes so much longer.
    Delay(Duration),
    /// The command is refused, and not executed.
    Error(ServerError),
    /// There is no answer, and the connection goes on.
    Silence,
    /// The connection ends without an answer.
    DisconnectBefore,
    /// The connection ends in the middle of the answer.
    DisconnectWithin,
    /// The connection ends after the answer, and after the events that follow it.
    DisconnectAfter,
    /// Half of the answer's line comes, and no end of it. What comes next is on the same line.
    HalfLine,
    /// These bytes come in place of the answer.
    Instead(Vec<u8>),
    /// These bytes come, and then the answer.
    Garbage(Vec<u8>),
    /// Replaces the command's reply by this.
    Return(Value),
    /// The answer has this id.
    OtherId(Value),
    /// The answer has no id.
    WithoutId,
    /// The answer comes twice.
    Twice,
    /// The answer comes after that to the next command on the connection.
    AfterNext,
}

/// How a conversation begins that does not begin as it should. Ordered with [`Fake::opening`](super::Fake::opening).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Opening {
    /// The connection ends before anything is said.
    Disconnect,
    /// There is no greeting, as if another client held the monitor.
    NoGreeting,
    /// The greeting is replaced by these bytes.
    Instead(Vec<u8>),
    /// These bytes come before the greeting: a line of somebody else's, or an event.
    Before(Vec<u8>),
    /// The negotiation, or an agent's synchronization, is refused.
    Refuse(ServerError),
}
