//! File descriptors as a transport, without a thread.
//!
//! The descriptors do not block while they are used, and `poll` does the waiting. Nothing is read that the caller has not asked
//! for, so that what comes next is there for the descriptor's next user.
//!
//! Assumes that nobody else changes whether they block. Never leaves them other than they were.

use super::transport::{Closer, Transport, Wait};
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::fs::{fcntl_getfl, fcntl_setfl, open, Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest time to ask a system for at once. Not every one can count longer.
const LONGEST_POLL: Duration = Duration::from_secs(3600);

/// File descriptors as a [`Transport`], one to read from and one to write to: a pseudo-terminal, a serial line, a
/// virtio-serial port of a guest (`/dev/virtio-ports/…`), the standard streams of a child process, a pair of pipes or named
/// pipes. With the feature `fd`, on Unix.
///
/// Deadlines hold both ways, no thread is started, and nothing is read ahead: when the client is gone, or gave the transport
/// [back](super::Client::into_inner), the next reader of a terminal or device finds all that comes from then on.
/// [`PipeTransport`](super::PipeTransport) is for readers and writers that are no descriptors, such as those of a crate for
/// SSH, and for Windows. Sockets are transports themselves, and those over which [descriptors](super::Client::with_fds) can go.
///
/// While the client uses them, the descriptors do not block (`O_NONBLOCK`). Copies of them, here or in another process, do not
/// block either meanwhile. They are as they were again when the client is dropped, closed, or gives the transport back.
///
/// Settings of a terminal are left alone. The pseudo-terminal that QEMU makes is as it has to be; a serial line needs
/// `stty raw -echo` and its speed first, because a terminal otherwise echoes to the server what it wrote.
///
/// A terminal or port whose other side is gone is at its end. Devices that the system cannot `poll`, as on macOS, are none for
/// this transport.
///
/// ```no_run
/// use qemu_qmp::blocking::{Client, FdTransport};
/// use qemu_qmp::{ConnectOptions, Monitor};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Of a QEMU with `-chardev pty,id=qmp -mon chardev=qmp,mode=control`, which tells this name when it starts.
/// let terminal = FdTransport::open("/dev/pts/7")?;
/// let mut vm: Client<Monitor> = Client::connect_over(terminal, &ConnectOptions::new().name("vm"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FdTransport {
    /// `None` once it is closed. Another half of a split transport has them as well.
    ends: Option<Arc<Ends>>,
}

#[derive(Debug)]
struct Ends {
    reader: OwnedFd,
    writer: OwnedFd,
    /// The descriptors' flags before they were made not to block. Set before there is another half.
    former: Option<(OFlags, OFlags)>,
    /// The waker of other threads. There is none without another half.
    waker: Option<Arc<Waker>>,
}

/// A pair of sockets of which one can be read once the other one was shut down, by any number of threads and from then on.
#[derive(Debug)]
struct Waker {
    woken: UnixStream,
    waking: UnixStream,
}

/// The result of [`Ends::wait_for`].
struct Found {
    /// It can be used, or is at its end.
    is_ready: bool,
    /// It is at its end, and nothing else.
    is_over: bool,
    /// Another half was closed, or the [`Closer`] called.
    is_closed: bool,
}

impl FdTransport {
    /// Takes a descriptor to read from and one to write to. Both may be of the same file, as two clones of a
    /// [`File`](std::fs::File) are.
    ///
    /// ```no_run
    /// # use qemu_qmp::{blocking::FdTransport, Client, ConnectOptions};
    /// # use std::process::{Command, Stdio};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ssh = ["vm.example", "socat", "-", "UNIX-CONNECT:/run/vm.qmp"];
    /// let mut child = Command::new("ssh").args(ssh).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    /// let (output, input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    /// let mut vm = Client::connect_over(FdTransport::new(output, input)?, &ConnectOptions::new())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the first is only open for writing, or the second only for reading, and
    /// what the system says of descriptors that are of no use at all.
    pub fn new(reader: impl Into<OwnedFd>, writer: impl Into<OwnedFd>) -> io::Result<Self> {
        Self::from_fds(reader.into(), writer.into())
    }

    /// Opens a device for reading and writing: a pseudo-terminal, a virtio-serial port or a serial line. It does not become the
    /// process's controlling terminal, and a line without a carrier is not waited for.
    ///
    /// # Errors
    ///
    /// The system's message, without the path.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
        let device = open(path.as_ref(), flags | OFlags::NONBLOCK, Mode::empty())?;
        fcntl_setfl(&device, fcntl_getfl(&device)? - OFlags::NONBLOCK)?;
        Self::from_fds(device.try_clone()?, device)
    }

    /// The descriptor to read from and the one to write to, as they were. `None` if the transport was closed, or was
    /// split and the other half is still there.
    pub fn into_fds(mut self) -> Option<(OwnedFd, OwnedFd)> {
        let mut ends = Arc::into_inner(self.ends.take()?)?;
        ends.restore();
        Some((ends.reader, ends.writer))
    }

    fn from_fds(reader: OwnedFd, writer: OwnedFd) -> io::Result<Self> {
        let wrong = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if fcntl_getfl(&reader)? & OFlags::RWMODE == OFlags::WRONLY {
            return wrong("the descriptor to read from is open for writing only");
        }
        if fcntl_getfl(&writer)? & OFlags::RWMODE == OFlags::RDONLY {
            return wrong("the descriptor to write to is open for reading only");
        }
        Ok(FdTransport { ends: Some(Arc::new(Ends { reader, writer, former: None, waker: None })) })
    }

    /// The descriptors, which do not block from now on.
    fn ends(&mut self) -> io::Result<&Ends> {
        let ends = self.ends.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // With another half they were prepared before there was one.
        if let Some(ends) = Arc::get_mut(ends) {
            ends.prepare()?;
        }
        Ok(ends)
    }

    /// The waker of all halves. Made before there are two.
    fn waker(&mut self) -> io::Result<Arc<Waker>> {
        let ends = self.ends.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        if let Some(ends) = Arc::get_mut(ends).filter(|ends| ends.waker.is_none()) {
            let (woken, waking) = UnixStream::pair()?;
            ends.waker = Some(Arc::new(Waker { woken, waking }));
        }
        Ok(ends.waker.clone().ok_or(io::ErrorKind::Unsupported)?)
    }

    /// Lets go of the descriptors. The last owner puts them back.
    fn leave(&mut self) {
        if let Some(mut last) = self.ends.take().and_then(Arc::into_inner) {
            last.restore();
        }
    }
}

impl Transport for FdTransport {
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
        if self.ends.is_none() {
            return Ok(0);
        }
        let ends = self.ends()?;
        loop {
            // Also if there is no time: a terminal may say of nothing that it is the end.
            let found = ends.wait_for(&ends.reader, PollFlags::IN, wait)?;
            if !found.is_ready {
                return Ok(0);
            }
            match rustix::io::read(&ends.reader, &mut *buffer) {
                Err(Errno::AGAIN) if found.is_over => return Ok(0),
                // Somebody else was faster.
                Err(Errno::AGAIN) if !wait.is_over() => {}
                Err(Errno::IO) if is_hung_up(&ends.reader) => return Ok(0),
                read => return Ok(read?),
            }
        }
    }

    fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
        let ends = self.ends()?;
        loop {
            let found = ends.wait_for(&ends.writer, PollFlags::OUT, wait)?;
            if found.is_closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            match rustix::io::write(&ends.writer, bytes) {
                // A virtio-serial port whose other side is gone tells only `poll`.
                Err(Errno::AGAIN) if found.is_over => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(Errno::AGAIN) if !wait.is_over() => {}
                Err(Errno::IO) if is_hung_up(&ends.writer) => return Err(io::ErrorKind::BrokenPipe.into()),
                written => return Ok(written?),
            }
        }
    }

    fn try_split(&mut self) -> io::Result<Box<dyn Transport>> {
        self.ends()?;
        self.waker()?;
        Ok(Box::new(FdTransport { ends: self.ends.clone() }))
    }

    fn close(&mut self) {
        if let Some(waker) = self.ends.as_ref().and_then(|ends| ends.waker.as_ref()) {
            waker.wake();
        }
        self.leave();
    }

    fn closer(&mut self) -> Option<Closer> {
        let waker = self.waker().ok()?;
        Some(Box::new(move || waker.wake()))
    }

    fn release(&mut self) {
        if let Some(ends) = self.ends.as_mut().and_then(Arc::get_mut) {
            ends.restore();
        }
    }
}

impl Drop for FdTransport {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Ends {
    /// Makes the descriptors not block.
    fn prepare(&mut self) -> io::Result<()> {
        if self.former.is_none() {
            // Both before either is changed: they may be of one file.
            let former = (fcntl_getfl(&self.reader)?, fcntl_getfl(&self.writer)?);
            self.former = Some(former);
            fcntl_setfl(&self.reader, former.0 | OFlags::NONBLOCK)?;
            fcntl_setfl(&self.writer, former.1 | OFlags::NONBLOCK)?;
        }
        Ok(())
    }

    /// Makes them what they were.
    fn restore(&mut self) {
        if let Some((reader, writer)) = self.former.take() {
            // It does not fail for descriptors that are open, and nobody could do anything about it.
            let _ = fcntl_setfl(&self.reader, reader);
            let _ = fcntl_setfl(&self.writer, writer);
        }
    }

    /// Waits until one of the two can be used, or is at its end, or until all are told to stop.
    fn wait_for(&self, fd: &OwnedFd, what: PollFlags, wait: Wait) -> io::Result<Found> {
        let woken = self.waker.as_ref().map_or(fd.as_fd(), |waker| waker.woken.as_fd());
        let count = 1 + usize::from(self.waker.is_some());
        loop {
            let mut polled = [PollFd::new(fd, what), PollFd::from_borrowed_fd(woken, PollFlags::IN)];
            let left = wait.remaining().map(|left| Timespec::try_from(left.min(LONGEST_POLL)));
            let left = left.transpose().map_err(io::Error::other)?;
            match poll(polled.get_mut(..count).unwrap_or_default(), left.as_ref()) {
                Ok(0) if wait.is_over() => return Err(io::ErrorKind::WouldBlock.into()),
                Ok(0) | Err(Errno::INTR) => continue,
                found => found?,
            };
            let [found, closed] = polled.map(|polled| polled.revents());
            if found.contains(PollFlags::NVAL) {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "the system cannot wait for this kind of file"));
            }
            let is_ready = !found.is_empty();
            return Ok(Found { is_ready, is_over: is_ready && !found.intersects(what), is_closed: !closed.is_empty() });
        }
    }
}

impl Waker {
    fn wake(&self) {
        // It does not fail for sockets that are connected.
        let _ = self.waking.shutdown(Shutdown::Both);
    }
}

/// Returns whether a failure is that of a terminal whose other side is gone.
fn is_hung_up(fd: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(fd, PollFlags::empty())];
    poll(&mut polled, Some(&Timespec::default())).is_ok() && polled[0].revents().contains(PollFlags::HUP)
}
