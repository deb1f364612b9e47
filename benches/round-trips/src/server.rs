//! A server that answers every command at once, and looks at nothing but its id.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

pub const GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": ""}, "capabilities": ["oob"]}}"#;

/// What a stopped machine of QEMU 11.1 answers, without the end. The peer's types are of 9.1, and fit, too.
const STATUS: &str = r#"{"return": {"status": "prelaunch", "running": false}"#;

pub struct Server {
    folder: PathBuf,
    socket: PathBuf,
}

impl Server {
    /// A thread of its own serves one client after the other.
    pub fn start() -> Server {
        let folder = std::env::temp_dir().join(format!("round-trips-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a new folder");
        let socket = folder.join("socket");
        let listener = UnixListener::bind(&socket).expect("a new socket");
        thread::spawn(move || listener.incoming().flatten().for_each(serve));
        Server { folder, socket }
    }

    pub fn path(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Answers until the client goes. Commands that came together are answered together.
fn serve(stream: UnixStream) {
    let mut writer = &stream;
    let mut reader = BufReader::with_capacity(64 << 10, &stream);
    let mut answers = format!("{GREETING}\r\n").into_bytes();
    let mut line = Vec::new();
    let mut is_negotiated = false;
    while writer.write_all(&answers).is_ok() {
        answers.clear();
        loop {
            line.clear();
            if !matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                return;
            }
            answers.extend(if is_negotiated { STATUS } else { r#"{"return": {}"# }.as_bytes());
            is_negotiated = true;
            if let Some(id) = id(&line) {
                answers.extend(b", \"id\": ");
                answers.extend(id);
            }
            answers.extend(b"}\r\n");
            if !reader.buffer().contains(&b'\n') {
                break;
            }
        }
    }
}

/// The id as it stands in the command: a number or a string, and nothing else has a member of this name.
fn id(line: &[u8]) -> Option<&[u8]> {
    let start = line.windows(5).position(|part| part == b"\"id\":")? + 5;
    let rest = line[start..].trim_ascii_start();
    let end = rest.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    Some(rest[..end].trim_ascii_end())
}
