//! The methods of each client of a monitor that begin operations.

use crate::api::{CommandFor, Monitor, MonitorPeer};
use crate::ops::devices::Unplug;
use crate::ops::jobs::{CloseImage, CreateImage, ExistingJob, Image, ImageFormat, Job, JobCommand};
use crate::ops::migration::{Incoming, Migrate, MigrationTarget};
use crate::ops::power::{PowerDown, QuitServer, ResetMachine, WaitForShutdown};
use crate::ops::probe::{Probe, ReadSchema};
use crate::qmp::commands::Transaction;

/// `$receiver` is how the client is borrowed.
macro_rules! operations {
    ($client:ident of $module:ident lends $connection:ident to ($($receiver:tt)+), $this:ident) => {
        impl<P: MonitorPeer> crate::$module::$client<P> {
            /// A job that this command starts, to be followed to its end: see [`ops::jobs`](crate::ops::jobs).
            pub fn job<C: JobCommand + CommandFor<P>>(
                $($receiver)+,
                command: C,
            ) -> Job<'_, crate::$module::$connection<'_, P>, C> {
                Job::new($this.lend(), command)
            }

            /// The jobs that this transaction starts, to be followed to their ends: see [`ops::jobs`](crate::ops::jobs).
            pub fn jobs(
                $($receiver)+,
                transaction: Transaction,
            ) -> Job<'_, crate::$module::$connection<'_, P>, Transaction> {
                Job::new($this.lend(), transaction)
            }

            /// The job of this id, which runs already, to be followed to its end: see [`ops::jobs`](crate::ops::jobs).
            pub fn running_job(
                $($receiver)+,
                id: impl Into<String>,
            ) -> Job<'_, crate::$module::$connection<'_, P>, ExistingJob> {
                Job::new($this.lend(), ExistingJob::new(id))
            }

            /// An image of so many bytes, to be created in this file and opened.
            pub fn create_image(
                $($receiver)+,
                filename: impl Into<String>,
                format: ImageFormat,
                size: u64,
            ) -> CreateImage<crate::$module::$connection<'_, P>> {
                CreateImage::new($this.lend(), filename, format, size)
            }

            /// Closes an image that [`create_image`](Self::create_image) has opened: deletes its two nodes, which no device and
            /// no job may use any more. The file stays.
            pub fn close_image($($receiver)+, image: Image) -> CloseImage<crate::$module::$connection<'_, P>> {
                CloseImage::new($this.lend(), image)
            }

            /// Reads this QEMU's schema, to be kept: see [`ops::probe`](crate::ops::probe).
            pub fn schema($($receiver)+) -> ReadSchema<crate::$module::$connection<'_, P>> {
                ReadSchema::new($this.lend())
            }

            /// Questions to this QEMU about devices, machines and more, each asked once: see [`ops::probe`](crate::ops::probe).
            pub fn probe($($receiver)+) -> Probe<crate::$module::$connection<'_, P>> {
                Probe::new($this.lend())
            }

            /// Tells the server to end, and waits until it is gone: see [`ops::power`](crate::ops::power).
            pub fn quit($($receiver)+) -> QuitServer<crate::$module::$connection<'_, P>> {
                QuitServer::new($this.lend())
            }
        }

        impl crate::$module::$client<Monitor> {
            /// A device, by its id or its QOM path, to be unplugged: see [`ops::devices`](crate::ops::devices).
            pub fn unplug(
                $($receiver)+,
                device: impl Into<String>,
            ) -> Unplug<crate::$module::$connection<'_, Monitor>> {
                Unplug::new($this.lend(), device)
            }

            /// Moves the machine to another QEMU, or into a file: see [`ops::migration`](crate::ops::migration).
            #[inline]
            pub fn migrate(
                $($receiver)+,
                target: MigrationTarget,
            ) -> Migrate<'_, crate::$module::$connection<'_, Monitor>> {
                Migrate::new($this.lend(), target)
            }

            /// The migration that runs already, to be followed to its end: see [`ops::migration`](crate::ops::migration).
            #[inline]
            pub fn running_migration(
                $($receiver)+
            ) -> Migrate<'_, crate::$module::$connection<'_, Monitor>> {
                Migrate::existing($this.lend())
            }

            /// Receives a machine from another QEMU, or from a file: see [`ops::migration`](crate::ops::migration).
            #[inline]
            pub fn incoming(
                $($receiver)+,
                source: MigrationTarget,
            ) -> Incoming<crate::$module::$connection<'_, Monitor>> {
                Incoming::new($this.lend(), source)
            }

            /// Presses the power button, and waits for what comes of it: see [`ops::power`](crate::ops::power).
            #[inline]
            pub fn power_down($($receiver)+) -> PowerDown<crate::$module::$connection<'_, Monitor>> {
                PowerDown::new($this.lend())
            }

            /// Resets the machine: see [`ops::power`](crate::ops::power).
            #[inline]
            pub fn reset($($receiver)+) -> ResetMachine<crate::$module::$connection<'_, Monitor>> {
                ResetMachine::new($this.lend())
            }

            /// Waits for the machine's end, from what the client keeps of events on: see [`ops::power`](crate::ops::power).
            ///
            /// Once somebody has subscribed to events, the client keeps none, and it begins with those that come from now
            /// on.
            #[inline]
            pub fn wait_for_shutdown($($receiver)+) -> WaitForShutdown<crate::$module::$connection<'_, Monitor>> {
                WaitForShutdown::new($this.lend_with_kept())
            }
        }
    };
}

operations!(Client of blocking lends ClientConnection to (&mut self), self);
operations!(SharedClient of blocking lends SharedClientConnection to (&self), self);
#[cfg(feature = "tokio")]
operations!(Client of tokio lends ClientConnection to (&self), self);
