//! Records a connection, line by line, below the client: what is compared with the typed values was never decoded.

use qemu_qmp::blocking::{Transport, Wait};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names the folder that recordings are written to.
const TRANSCRIPTS: &str = "QEMU_QMP_TRANSCRIPTS";

/// The two directions as they stand in a transcript.
const SENT: &str = "-> ";
const RECEIVED: &str = "<- ";

/// What went over a connection so far.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    /// All lines in order, each with its direction in front.
    transcript: Vec<String>,
    /// The last reply.
    reply: Option<Value>,
    /// All events.
    events: Vec<Value>,
    greeting: Option<Value>,
    sending: Vec<u8>,
    receiving: Vec<u8>,
}

impl Tape {
    /// Records what goes over this socket.
    pub fn record(&self, socket: UnixStream) -> Recorder {
        Recorder { socket, tape: self.clone() }
    }

    /// Takes the last reply.
    pub fn take_reply(&self) -> Option<Value> {
        self.lines().reply.take()
    }

    /// The event with this number, as it came.
    pub fn event(&self, number: usize) -> Option<Value> {
        self.lines().events.get(number).cloned()
    }

    /// The greeting, as it came.
    pub fn greeting(&self) -> Option<Value> {
        self.lines().greeting.clone()
    }

    /// All lines, each with its direction in front.
    pub fn transcript(&self) -> Vec<String> {
        self.lines().transcript.clone()
    }

    /// Writes the recording to the folder that the environment names, if it names one.
    pub fn save(&self, name: &str) -> io::Result<()> {
        let Some(folder) = std::env::var_os(TRANSCRIPTS).map(PathBuf::from) else { return Ok(()) };
        std::fs::create_dir_all(&folder)?;
        let mut file = File::create(folder.join(format!("{name}.qmp")))?;
        self.lines().transcript.iter().try_for_each(|line| writeln!(file, "{line}"))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // A test that failed elsewhere still wants its recording.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn sent(&mut self, bytes: &[u8]) {
        self.sending.extend_from_slice(bytes);
        while let Some(line) = take_line(&mut self.sending) {
            self.transcript.push(format!("{SENT}{line}"));
        }
    }

    fn received(&mut self, bytes: &[u8]) {
        self.receiving.extend_from_slice(bytes);
        while let Some(line) = take_line(&mut self.receiving) {
            self.transcript.push(format!("{RECEIVED}{line}"));
            // A line that is no JSON is not a message; the client complains.
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            if message.get("event").is_some() {
                self.events.push(message);
            } else if message.get("QMP").is_some() {
                self.greeting = Some(message);
            } else {
                self.reply = Some(message);
            }
        }
    }
}

/// The first line without its end; the delimiter of guest agent synchronization is no part of it.
fn take_line(bytes: &mut Vec<u8>) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let rest = bytes.split_off(end + 1);
    let line = std::mem::replace(bytes, rest);
    let text = String::from_utf8_lossy(&line).into_owned();
    Some(text.trim_matches(['\r', '\n', '\u{fffd}']).to_owned())
}

/// A socket whose traffic is recorded.
pub struct Recorder {
    socket: UnixStream,
    tape: Tape,
}

impl Transport for Recorder {
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
        let count = self.socket.receive(buffer, wait)?;
        self.tape.lines().received(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
        let count = self.socket.send(bytes, wait)?;
        self.tape.lines().sent(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn close(&mut self) {
        self.socket.close();
    }
}
