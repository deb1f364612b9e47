//! A real QEMU for a test.
//!
//! Without one, the test says that it was skipped; with `QEMU_QMP_REQUIRE_QEMU=1` in the environment it fails instead.
//! `QEMU_QMP_QEMU`, `QEMU_QMP_STORAGE_DAEMON` and `QEMU_QMP_AGENT` name other programs than `qemu-system-x86_64`,
//! `qemu-storage-daemon` and `qemu-ga`.

use super::programs::{started, Folder};
use super::{options, PATIENCE};
use qemu_qmp::{blocking, Client, ConnectOptions, GuestAgent, StorageDaemon};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A machine without devices, whose CPUs have not started. Gone with this value.
pub struct Qemu {
    process: Child,
    folder: Folder,
}

impl Qemu {
    /// Without a board, with a monitor at [`socket`](Self::socket). `None` if there is no QEMU and none is required.
    pub fn start() -> Option<Qemu> {
        Self::start_with(|folder| [vec!["-machine".to_owned(), "none".to_owned()], monitor(folder)].concat())
    }

    /// With a board, and a monitor at [`socket`](Self::socket). `None` if there is no QEMU and none is required.
    pub fn start_board() -> Option<Qemu> {
        Self::start_with(monitor)
    }

    /// With these options, which may name files in the folder. `None` if there is no QEMU and none is required.
    pub fn start_with(arguments: impl FnOnce(&Path) -> Vec<String>) -> Option<Qemu> {
        let program = std::env::var_os("QEMU_QMP_QEMU").unwrap_or_else(|| "qemu-system-x86_64".into());
        let folder = Folder::new();
        let process = Command::new(&program)
            .args(["-display", "none", "-nodefaults", "-S"])
            .args(arguments(folder.path()))
            .stdin(Stdio::null())
            .spawn();
        Some(Qemu { process: started(&program, process)?, folder })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.socket()
    }

    /// A new named pipe. Until it is opened here, whatever command QEMU opens it for keeps QEMU busy.
    pub fn fifo(&self) -> PathBuf {
        self.folder.fifo()
    }

    pub fn connect(&self) -> Client {
        Client::connect_with(self.socket(), &options().retry_for(PATIENCE)).unwrap()
    }

    /// The tokio client's connection.
    pub async fn connect_tokio(&self) -> qemu_qmp::tokio::Client {
        let options = ConnectOptions::new().retry_for(PATIENCE);
        qemu_qmp::tokio::Client::connect_with(self.socket(), &options).await.unwrap()
    }
}

/// A storage daemon with a monitor. Gone with this value.
pub struct Daemon {
    process: Child,
    folder: Folder,
}

impl Daemon {
    /// `None` if there is no storage daemon and none is required.
    pub fn start() -> Option<Daemon> {
        let program = std::env::var_os("QEMU_QMP_STORAGE_DAEMON").unwrap_or_else(|| "qemu-storage-daemon".into());
        let folder = Folder::new();
        let chardev = format!("socket,path={},server=on,wait=off,id=monitor", folder.path().join("socket").display());
        let arguments = ["--chardev", &chardev, "--monitor", "chardev=monitor"];
        let process = Command::new(&program).args(arguments).stdin(Stdio::null()).spawn();
        Some(Daemon { process: started(&program, process)?, folder })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn connect(&self) -> blocking::Client<StorageDaemon> {
        blocking::Client::connect_with(self.folder.socket(), &options().retry_for(PATIENCE)).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A monitor at the folder's socket.
fn monitor(folder: &Path) -> Vec<String> {
    vec!["-qmp".to_owned(), format!("unix:{},server=on,wait=off", folder.join("socket").display())]
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What would change the host, which an agent here has for a guest.
const BLOCKED: &str = "guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,guest-set-time,\
                       guest-set-vcpus,guest-set-memory-blocks,guest-set-user-password,guest-fsfreeze-freeze,\
                       guest-fsfreeze-freeze-list,guest-fsfreeze-thaw,guest-fstrim,guest-ssh-add-authorized-keys,\
                       guest-ssh-remove-authorized-keys";

/// A guest agent that has this machine for a guest, and refuses to change it. Gone with this value.
pub struct Agent {
    process: Child,
    folder: Folder,
}

impl Agent {
    /// At [`socket`](Self::socket). `None` if there is no agent and none is required.
    pub fn start() -> Option<Agent> {
        let folder = Folder::new();
        let process = Self::spawn(&folder);
        Some(Agent { process: started(Self::program(), process)?, folder })
    }

    /// Ends the agent and starts another one at the same socket.
    pub fn restart(&mut self) {
        self.end();
        let _ = std::fs::remove_file(self.socket());
        self.process = Self::spawn(&self.folder).unwrap();
    }

    fn program() -> std::ffi::OsString {
        std::env::var_os("QEMU_QMP_AGENT").unwrap_or_else(|| "qemu-ga".into())
    }

    fn spawn(folder: &Folder) -> std::io::Result<Child> {
        Command::new(Self::program())
            .args(["-m", "unix-listen", "-b", BLOCKED, "-p"])
            .arg(folder.socket())
            .arg("-t")
            .arg(folder.path())
            .arg("-f")
            .arg(folder.path().join("pid"))
            .stdin(Stdio::null())
            .spawn()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.socket()
    }

    pub fn connect(&self) -> blocking::Client<GuestAgent> {
        blocking::Client::connect_with(self.socket(), &options().retry_for(PATIENCE)).unwrap()
    }

    /// The tokio client's connection.
    pub async fn connect_tokio(&self) -> qemu_qmp::tokio::Client<GuestAgent> {
        let options = options().retry_for(PATIENCE);
        qemu_qmp::tokio::Client::connect_with(self.socket(), &options).await.unwrap()
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
    }
}
