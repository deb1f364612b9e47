//! The guest, through its agent: programs, files, frozen file systems.
//!
//! # Run a program
//!
//! ```no_run
//! use qemu_qmp::{blocking::Client, GuestAgent};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut agent = Client::<GuestAgent>::connect("/run/vm.qga")?;
//! let output = agent.program("df").arg("-h").run()?.succeeded()?;
//! println!("{}", String::from_utf8_lossy(&output.stdout));
//! # Ok(())
//! # }
//! ```
//!
//! [`Program`] says what else there is: input, environment, a deadline. [`ProgramOutcome`] names all ends. The agent has no
//! command that ends a program; another program has, such as `kill` with the number that
//! [`StillRunning`](ProgramOutcome::StillRunning) tells, which is the guest's own.
//!
//! # Copy a file in and out
//!
//! ```no_run
//! # use qemu_qmp::{blocking::Client, GuestAgent};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut agent = Client::<GuestAgent>::connect("/run/vm.qga")?;
//! let name = agent.read_file("/etc/hostname").run()?;
//! agent.write_file("/etc/motd", "Back at noon.\n").run()?;
//! // Without having all of it in memory.
//! agent.read_file("/var/log/syslog").copy_to(std::fs::File::create("vm.log")?)?;
//! agent.write_file_from("/srv/disk.img", std::fs::File::open("disk.img")?).run()?;
//! # Ok(())
//! # }
//! ```
//!
//! Bytes are bytes here: that they are base64 on their way is nobody's business. The agent's handle of a file is closed also
//! after an error. Writers and readers are called where the operation runs; with tokio's client that is a task, which other tasks
//! wait for meanwhile.
//!
//! # Freeze while a snapshot is taken
//!
//! ```no_run
//! # use qemu_qmp::{blocking::Client, qmp::commands::*, qmp::types::*, GuestAgent};
//! # use std::time::Duration;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut agent = Client::<GuestAgent>::connect("/run/vm.qga")?;
//! # let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let snapshot = BlockdevSnapshot::new("disk0", "overlay");
//! agent.freeze().during(|| vm.execute(snapshot))?.thawed()??;
//! # Ok(())
//! # }
//! ```
//!
//! The guest's programs wait while they write, so that it has to be short. The file systems are thawed whatever happens in
//! between. If the connection is lost, the outcome is [`MayBeFrozen`](FreezeOutcome::MayBeFrozen), and another client
//! [thaws](Thaw):
//!
//! - On Linux they stay frozen until they are thawed, however long that takes. An agent that is started anew knows that they
//!   are frozen.
//! - Windows holds writes back for ten seconds at most: [`ThawedBefore`](FreezeOutcome::ThawedBefore).
//!
//! # Wait for the agent
//!
//! Connecting waits for the agent, which has to answer then; [`retry_for`](crate::ConnectOptions::retry_for) is for a guest that
//! still boots. [`WaitUntilUp`] is for a client that is connected already, after the guest was reset: QEMU keeps the socket open
//! meanwhile. An agent that has not gone yet answers as well, so that this is to be called when the reset is known to have
//! happened, by the monitor's event perhaps.
//!
//! # Dropping
//!
//! With tokio's client, a program whose operation is dropped runs on. A file is closed then, and file systems are thawed, by a task
//! that is spawned for it: if the runtime goes at the same moment, they stay as they are. A closure or a reader that panics has
//! the same effect with each client.

mod base64;
mod file;
mod freeze;
mod outcome;
mod program;
mod thaw;
mod up;

pub use file::{FileError, ReadFile, WriteFile};
#[doc(hidden)]
pub use freeze::Call;
pub use freeze::{Freeze, FreezeFailure, FreezeOutcome, Work};
pub use outcome::{GuestExitStatus, GuestOutput, ProgramOutcome};
pub use program::{Program, RunningProgram};
pub use thaw::Thaw;
pub use up::WaitUntilUp;

use super::steps::after;
use crate::api::{CommandFor, GuestAgent};
use crate::verbs::Connection;
use std::time::{Duration, Instant};

/// The last step of an operation, taken at the latest when it is dropped, because its future is, or because something panics.
struct AtLast<'c, K: Connection<Peer = GuestAgent>, C: CommandFor<GuestAgent> + Send + 'static> {
    connection: &'c mut K,
    command: Option<C>,
}

impl<'c, K: Connection<Peer = GuestAgent>, C: CommandFor<GuestAgent> + Send + 'static> AtLast<'c, K, C> {
    fn execute(connection: &'c mut K, command: C) -> Self {
        AtLast { connection, command: Some(command) }
    }

    /// The operation has come to its end by itself.
    fn done(mut self) {
        self.command = None;
    }
}

impl<K: Connection<Peer = GuestAgent>, C: CommandFor<GuestAgent> + Send + 'static> Drop for AtLast<'_, K, C> {
    fn drop(&mut self) {
        if let Some(command) = self.command.take() {
            self.connection.execute_unawaited(command);
        }
    }
}

/// How much longer than the deadline a call may take whose answer must not be lost.
const GRACE: Duration = Duration::from_secs(1);

/// When to give up on a call whose answer must not be lost.
fn grace<K: Connection>(connection: &K, deadline: Option<Instant>) -> Option<Instant> {
    deadline.and_then(|deadline| deadline.max(connection.now()).checked_add(GRACE))
}

/// When to give up on a call that comes after the end.
fn shortly<K: Connection>(connection: &K) -> Option<Instant> {
    after(connection, Some(GRACE))
}
