//! A running program and its folder, both of which go when their owner does.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

/// How long a program may take to listen. Emulation on a busy machine is slow to start.
const START: Duration = Duration::from_secs(60);
/// How often to look whether it does.
const PAUSE: Duration = Duration::from_millis(10);

/// A folder of its own, removed when it is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Its path is short, since that of a socket in it has a hundred bytes at most.
    pub fn new() -> io::Result<Folder> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("qmp-live-{}-{count}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }

    /// The path of something in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The same as text, as arguments and commands want it.
    pub fn text(&self, name: &str) -> String {
        self.join(name).to_string_lossy().into_owned()
    }

    /// Makes a file of this many bytes, none of which is zero.
    pub fn filled(&self, name: &str, bytes: usize) -> io::Result<String> {
        fs::write(self.join(name), vec![0x5a; bytes])?;
        Ok(self.text(name))
    }

    /// Makes a sparse file of this many bytes.
    pub fn sparse(&self, name: &str, bytes: u64) -> io::Result<String> {
        fs::File::create(self.join(name))?.set_len(bytes)?;
        Ok(self.text(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files, which is somebody's to clear.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Connects to a socket that a running program is about to listen on.
pub fn connect(socket: &Path) -> io::Result<UnixStream> {
    connect_while(socket, || true)
}

fn connect_while(socket: &Path, mut is_running: impl FnMut() -> bool) -> io::Result<UnixStream> {
    let end = Instant::now() + START;
    loop {
        match UnixStream::connect(socket) {
            Err(_) if is_running() && Instant::now() < end => thread::sleep(PAUSE),
            done => return done,
        }
    }
}

/// A running program, killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose messages go to a file in the folder.
    pub fn start(program: &Path, arguments: &[String], folder: &Folder) -> io::Result<Process> {
        let log = folder.join("log");
        let file = fs::File::create(&log)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        Ok(Process { child: command.spawn()?, log })
    }

    /// Connects to a socket that the program is about to listen on.
    pub fn connect(&mut self, socket: &Path) -> io::Result<UnixStream> {
        connect_while(socket, || self.is_running())
            .map_err(|error| io::Error::new(error.kind(), format!("{error}\n{}", self.log())))
    }

    /// What the program said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the program has ended, and says how; `None` if it does not in time.
    pub fn end(&mut self, timeout: Duration) -> Option<process::ExitStatus> {
        let end = Instant::now() + timeout;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < end => thread::sleep(PAUSE),
                _ => return None,
            }
        }
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails if the program has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
