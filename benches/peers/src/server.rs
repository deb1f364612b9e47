//! A server that answers every command at once, and looks at nothing but its id.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

pub const GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": ""}, "capabilities": ["oob"]}}"#;

/// What a stopped machine of QEMU 11.1 answers, without the end. The peer's types are of 9.1, and fit, too.
const STATUS: &str = r#"{"return": {"status": "prelaunch", "running": false}"#;

/// Ends when it is dropped.
pub struct Server {
    folder: PathBuf,
    process: Option<Child>,
}

impl Server {
    /// A thread of this process serves one client after the other.
    pub fn start() -> Server {
        let server = Server::new();
        let listener = UnixListener::bind(server.path()).expect("a new socket");
        thread::spawn(move || listener.incoming().flatten().for_each(serve));
        server
    }

    /// A process of its own, so that what it does is not counted. It runs [`run`] with this way to serve.
    pub fn start_process(way: &str) -> Server {
        let mut server = Server::new();
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        let mut process = command.arg(way).arg(server.path()).stdout(Stdio::piped()).spawn().expect("it starts");
        // Once it can be connected to, it says so.
        process.stdout.take().expect("it is piped").read_exact(&mut [0]).expect("it serves");
        server.process = Some(process);
        server
    }

    fn new() -> Server {
        let folder = std::env::temp_dir().join(format!("peers-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a new folder");
        Server { folder, process: None }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("socket")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The server's own process: `serve`s one client after the other, or `greet`s all, who then stay.
pub fn run(way: &str, socket: &Path) {
    let listener = UnixListener::bind(socket).expect("a new socket");
    println!("ready");
    let clients = listener.incoming().flatten();
    match way {
        "serve" => clients.for_each(serve),
        _ => drop(clients.inspect(greet).collect::<Vec<_>>()),
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
            let reply = if is_negotiated { STATUS } else { r#"{"return": {}"# };
            is_negotiated = true;
            answer(reply, &line, &mut answers);
            if !reader.buffer().contains(&b'\n') {
                break;
            }
        }
    }
}

/// Negotiates.
pub fn greet(mut stream: &UnixStream) {
    let (mut line, mut reply) = (Vec::new(), Vec::new());
    writeln!(stream, "{GREETING}").expect("it is there");
    BufReader::new(stream).read_until(b'\n', &mut line).expect("it negotiates");
    answer(r#"{"return": {}"#, &line, &mut reply);
    stream.write_all(&reply).expect("it is there");
}

/// The reply to the command of this line, which lacks its end.
fn answer(reply: &str, command: &[u8], answers: &mut Vec<u8>) {
    answers.extend(reply.as_bytes());
    if let Some(id) = id(command) {
        answers.extend(b", \"id\": ");
        answers.extend(id);
    }
    answers.extend(b"}\r\n");
}

/// The id as it stands in the command: a number or a string, and nothing else has a member of this name.
fn id(line: &[u8]) -> Option<&[u8]> {
    let start = line.windows(5).position(|part| part == b"\"id\":")? + 5;
    let rest = line[start..].trim_ascii_start();
    let end = rest.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    Some(rest[..end].trim_ascii_end())
}
