//! File descriptors that go with a command, for whichever client.
//!
//! They are sent with the first byte of the command's line, so that the server has them when it executes the command, and no
//! other command can take them. Never waits.

use crate::error::{Repr, Result};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

pub(crate) use std::os::fd::BorrowedFd;

/// As many as QEMU receives with one message.
const MAX_FDS: usize = 16;

/// The file descriptors of one command.
#[derive(Debug, Default)]
pub(crate) struct Fds {
    /// Copies, because a line may be finished after the call that began it.
    owned: Vec<OwnedFd>,
}

impl Fds {
    pub(crate) fn is_empty(&self) -> bool {
        self.owned.is_empty()
    }

    /// Copies of these. `possible` is whether the connection is over a Unix socket.
    ///
    /// # Errors
    ///
    /// [`FdsUnavailable`](crate::ErrorKind::FdsUnavailable), also if this process has too many open already.
    pub(crate) fn copy(fds: &[BorrowedFd<'_>], possible: bool) -> Result<Self> {
        if !fds.is_empty() && !possible {
            return Err(Repr::FdsUnavailable { reason: "the connection is not over a Unix socket", cause: None }.into());
        }
        if fds.len() > MAX_FDS {
            return Err(
                Repr::FdsUnavailable { reason: "QEMU receives no more than 16 with a command", cause: None }.into()
            );
        }
        let owned: io::Result<Vec<_>> = fds.iter().map(BorrowedFd::try_clone_to_owned).collect();
        let failed = |cause| Repr::FdsUnavailable { reason: "they cannot be copied", cause: Some(cause) };
        Ok(Fds { owned: owned.map_err(failed)? })
    }

    pub(crate) fn borrow(&self) -> Vec<BorrowedFd<'_>> {
        self.owned.iter().map(AsFd::as_fd).collect()
    }
}

/// Writes the beginning of `bytes` with these descriptors, like a plain write to the socket.
pub(crate) fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    use rustix::net::{sendmsg, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // A peer that is gone is an error, and no signal.
    #[cfg(not(target_vendor = "apple"))]
    let flags = SendFlags::NOSIGNAL;
    #[cfg(target_vendor = "apple")]
    let flags = SendFlags::empty();
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags)?)
}
