//! The methods of each client of a guest agent that begin operations.

use crate::api::GuestAgent;
use crate::ops::guest::{Freeze, Program, ReadFile, RunningProgram, Thaw, WaitUntilUp, WriteFile};
use std::io::{Cursor, Read};

/// `$receiver` is how the client is borrowed.
macro_rules! operations {
    ($client:ident of $module:ident lends $connection:ident to ($($receiver:tt)+), $this:ident) => {
        impl crate::$module::$client<GuestAgent> {
            /// A program of the guest, to be run: a path, or a name that is in the agent's search path. See
            /// [`ops::guest`](crate::ops::guest).
            pub fn program(
                $($receiver)+,
                path: impl Into<String>,
            ) -> Program<crate::$module::$connection<'_, GuestAgent>> {
                Program::new($this.lend(), path)
            }

            /// The program of this number that was started in the guest, to be waited for.
            #[inline]
            pub fn running_program(
                $($receiver)+,
                pid: i64,
            ) -> RunningProgram<crate::$module::$connection<'_, GuestAgent>> {
                RunningProgram::new($this.lend(), pid)
            }

            /// A file in the guest, to be read. See [`ops::guest`](crate::ops::guest).
            pub fn read_file(
                $($receiver)+,
                path: impl Into<String>,
            ) -> ReadFile<crate::$module::$connection<'_, GuestAgent>> {
                ReadFile::new($this.lend(), path)
            }

            /// A file in the guest, to be written with these bytes. See [`ops::guest`](crate::ops::guest).
            pub fn write_file<B: AsRef<[u8]>>(
                $($receiver)+,
                path: impl Into<String>,
                bytes: B,
            ) -> WriteFile<crate::$module::$connection<'_, GuestAgent>, Cursor<B>> {
                WriteFile::new($this.lend(), path, Cursor::new(bytes))
            }

            /// A file in the guest, to be written with what this reader gives.
            pub fn write_file_from<R: Read>(
                $($receiver)+,
                path: impl Into<String>,
                reader: R,
            ) -> WriteFile<crate::$module::$connection<'_, GuestAgent>, R> {
                WriteFile::new($this.lend(), path, reader)
            }

            /// The guest's file systems, to be frozen while something is done. See [`ops::guest`](crate::ops::guest).
            #[inline]
            pub fn freeze($($receiver)+) -> Freeze<crate::$module::$connection<'_, GuestAgent>> {
                Freeze::new($this.lend())
            }

            /// The guest's file systems, to be thawed.
            #[inline]
            pub fn thaw($($receiver)+) -> Thaw<crate::$module::$connection<'_, GuestAgent>> {
                Thaw::new($this.lend())
            }

            /// The agent, to be waited for until it answers.
            #[inline]
            pub fn wait_until_up($($receiver)+) -> WaitUntilUp<crate::$module::$connection<'_, GuestAgent>> {
                WaitUntilUp::new($this.lend())
            }
        }
    };
}

operations!(Client of blocking lends ClientConnection to (&mut self), self);
operations!(SharedClient of blocking lends SharedClientConnection to (&self), self);
#[cfg(feature = "tokio")]
operations!(Client of tokio lends ClientConnection to (&self), self);
