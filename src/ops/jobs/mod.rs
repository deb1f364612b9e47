//! Jobs: what takes long in the block layer, followed to its end.
//!
//! [`Job`] is made by `job` of a client, with a command that starts a job, and [runs](Job::run) it to its end:
//!
//! ```no_run
//! use qemu_qmp::qmp::{commands::*, types::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let backup = BlockdevBackup::new("disk0", MirrorSyncMode::Full, "copy");
//! let outcome = vm.job(backup).progress(|at| println!("{} of {}", at.current, at.total)).run()?;
//! outcome.completed()?;
//! # Ok(())
//! # }
//! ```
//!
//! or [starts](Job::start) it, for programs that say themselves when it is completed, paused or cancelled:
//!
//! ```no_run
//! # use qemu_qmp::qmp::{commands::*, types::*};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let mut mirror = vm.job(BlockdevMirror::new("disk0", "copy", MirrorSyncMode::Full)).start()?;
//! mirror.until_ready()?;
//! // The copy is kept up to date from here on, until the machine is switched over to it.
//! mirror.complete()?.completed()?;
//! # Ok(())
//! # }
//! ```
//!
//! With tokio's client the same methods are asynchronous.
//!
//! # Images
//!
//! A copy needs an image that is open. `create_image` makes the file, the format in it, and a node for each, which takes two jobs
//! and two more commands; `close_image` deletes the nodes again:
//!
//! ```no_run
//! # use qemu_qmp::ops::jobs::ImageFormat;
//! # use qemu_qmp::qmp::{commands::*, types::*};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let copy = vm.create_image("/srv/copy.qcow2", ImageFormat::qcow2(), 10 << 30).run()?;
//! let backup = BlockdevBackup::new("disk0", MirrorSyncMode::Full, &copy.node_name);
//! vm.job(backup).run()?.completed()?;
//! vm.close_image(copy).run()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Snapshots
//!
//! An overlay takes what is written from now on, so that the image below it can be copied. Afterwards a job writes it back:
//!
//! ```no_run
//! # use qemu_qmp::ops::jobs::ImageFormat;
//! # use qemu_qmp::qmp::{commands::*, types::*};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let overlay = vm.create_image("/srv/overlay.qcow2", ImageFormat::qcow2(), 10 << 30);
//! let overlay = overlay.backing_file("/srv/disk0.qcow2", BlockdevDriver::Qcow2).run()?;
//! vm.execute(BlockdevSnapshot::new("disk0", &overlay.node_name))?;
//! // Copy /srv/disk0.qcow2 away.
//! vm.job(BlockCommit::new(&overlay.node_name).base_node("disk0")).run()?.completed()?;
//! vm.close_image(overlay).run()?;
//! # Ok(())
//! # }
//! ```
//!
//! `snapshot-save`, `snapshot-load` and `snapshot-delete`, which keep the whole machine inside of a qcow2 image, are jobs as well:
//! `vm.job(SnapshotSave::new("job", "tag", "disk0", ["disk0"])).run()`.
//!
//! # Several at once
//!
//! `jobs` takes a transaction, and follows all jobs that it starts. A dirty bitmap that is added in the same transaction as a full
//! backup remembers what the next, incremental one has to copy: `examples/backup.rs` does both.
//!
//! # A job that runs already
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! vm.running_job("nightly").progress(|at| println!("{:?}", at.status)).run()?.completed()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is taken care of
//!
//! - A job without an id gets one that no other client has chosen.
//! - A job is kept from dismissing itself (`auto-dismiss`) until its outcome was read, and is dismissed then, also if it
//!   failed. One that was left before its end stays, and goes on; `running_job` takes it over.
//! - `query-jobs` tells where a job stands; events only say when to look, so that an event which is lost, repeated, or of an
//!   earlier job of the same id, misleads nobody. The job's own events are taken from what the client keeps; subscriptions
//!   see them.
//! - Other clients may pause, resume, complete, cancel or dismiss the same job.
//!
//! # What is left to the program
//!
//! A job that copies and then keeps the copy up to date (`blockdev-mirror`, `drive-mirror`, and `block-commit` of the topmost
//! image) never ends by itself. [`Job::run`] completes it when it is ready, which switches the machine over to the copy;
//! [`Job::at_ready`] says otherwise. A job with `auto-finalize` off ends [`Pending`](JobOutcome::Pending), and one that
//! stops at an error ends [`Stopped`](JobOutcome::Stopped), unless [`Job::on_stop`] says otherwise.
//!
//! See "Live Block Device Operations" in QEMU's manual.

mod builder;
mod command;
mod image;
mod outcome;
mod running;
mod track;

pub use builder::{AtReady, ExistingJob, Job, OnStop};
pub use command::JobCommand;
pub use image::{CloseImage, CreateImage, CreateImageError, Image, ImageFormat};
pub use outcome::{CancelledBy, JobFailure, JobIoError, JobOutcome, JobProgress};
pub use running::RunningJob;
