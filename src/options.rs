//! How to connect, and how long to wait for what: plain data, the same for all clients.

use crate::error::{Error, Result};
use crate::label::Label;
use crate::session::SessionOptions;
use crate::timeout::Timeout;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How to connect, and how long to wait for what, for all clients alike.
///
/// All durations count from the operation's beginning; `None` waits for ever.
///
/// ```no_run
/// # use std::time::Duration;
/// # use qemu_qmp::{Client, ConnectOptions};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let qmp = "unix:/run/vm.qmp,server=on,wait=off";
/// let mut process = std::process::Command::new("qemu-system-x86_64").args(["-qmp", qmp]).spawn()?;
/// let options = ConnectOptions::new().retry_for(Duration::from_secs(30)).name("vm");
/// let vm = Client::connect_with("/run/vm.qmp", &options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) greeting_timeout: Option<Duration>,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) retry_for: Option<Duration>,
    pub(crate) refusal_timeout: Duration,
    watch: Option<Watch>,
    pub(crate) session: SessionOptions,
}

impl ConnectOptions {
    /// Ten seconds to connect, ten to greet and negotiate, sixty for each call, half a second for a refusal of a command whose
    /// success is not answered. One attempt to connect.
    pub fn new() -> Self {
        ConnectOptions {
            connect_timeout: Some(Duration::from_secs(10)),
            greeting_timeout: Some(Duration::from_secs(10)),
            call_timeout: Some(Duration::from_secs(60)),
            retry_for: None,
            refusal_timeout: Duration::from_millis(500),
            watch: None,
            session: SessionOptions::new(),
        }
    }

    /// How long the transport's connection may take, with all addresses of a host. A blocking client looks up the host's name
    /// before, for as long as the system takes for that. Of a listener, how long to wait for a peer
    /// that connects.
    pub fn connect_timeout(mut self, timeout: impl Timeout) -> Self {
        self.connect_timeout = timeout.limit();
        self
    }

    /// How long greeting and negotiation, or synchronization with a guest agent, may take together.
    ///
    /// QEMU serves one client per monitor. Another one can connect, but is not greeted until the first is gone: it is
    /// this deadline that tells.
    pub fn greeting_timeout(mut self, timeout: impl Timeout) -> Self {
        self.greeting_timeout = timeout.limit();
        self
    }

    /// Tries again to connect until it works or this time is over, for a server that is still being started: its socket does
    /// not exist yet, nobody listens there, or the connection ends instead of a greeting. Failures that do not pass, such
    /// as missing permissions, fail at once.
    ///
    /// Connecting, greeting and negotiation together take as long as that at most. A monitor that another client holds is
    /// waited for on one connection all the time, in place of [`greeting_timeout`](Self::greeting_timeout); a guest agent,
    /// which loses what it is sent before it runs, is asked to synchronize anew after each such timeout. When the time is
    /// over, the error is a [`Timeout`](crate::ErrorKind::Timeout) that tells the last failure.
    ///
    /// It has no meaning over a transport, which cannot be connected again, and for a listener.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry_for = Some(time);
        self
    }

    /// Ends a wait for a server whose process has ended: with [`retry_for`](Self::retry_for), and in a listener's `accept`. The
    /// function is asked every few milliseconds; what it returns is told as the reason, by an error of the kind
    /// [`ServerEnded`](crate::ErrorKind::ServerEnded).
    ///
    /// ```no_run
    /// # use std::sync::Mutex;
    /// # use std::time::Duration;
    /// # use qemu_qmp::{Client, ConnectOptions};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let process = std::process::Command::new("qemu-system-x86_64").args(["-qmp", "unix:/run/vm.qmp,server=on"]).spawn()?;
    /// let process = std::sync::Arc::new(Mutex::new(process));
    /// let watched = process.clone();
    /// let options = ConnectOptions::new().retry_for(Duration::from_secs(30)).unless_ended(move || {
    ///     let status = watched.lock().ok()?.try_wait().ok()??;
    ///     Some(format!("QEMU ended with {status}"))
    /// });
    /// let vm = Client::connect_with("/run/vm.qmp", &options)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unless_ended(mut self, how: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.watch = Some(Watch(Arc::new(how)));
        self
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn watches_server(&self) -> bool {
        self.watch.is_some()
    }

    /// Fails if the server's process has ended.
    pub(crate) fn check_server(&self, label: &Label) -> Result<()> {
        match self.watch.as_ref().and_then(|watch| (watch.0)()) {
            Some(how) => Err(Error::server_ended(label, how)),
            None => Ok(()),
        }
    }

    /// How long a call may take, unless [`within`](crate::Client::within) says otherwise. Most commands take less than a
    /// millisecond; few, such as `human-monitor-command` with `savevm`, take minutes.
    pub fn call_timeout(mut self, timeout: impl Timeout) -> Self {
        self.call_timeout = timeout.limit();
        self
    }

    /// How long a call of a command whose success is not answered, such as `guest-shutdown`, waits for a refusal before it is
    /// taken for done. Agents have been seen to refuse after some tens of milliseconds. Half a second unless set; with zero,
    /// such a call ends when the command is written.
    pub fn refusal_timeout(mut self, timeout: Duration) -> Self {
        self.refusal_timeout = timeout;
        self
    }

    /// Names the connection in errors and traces, such as the name of the virtual machine.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.session = self.session.name(name);
        self
    }

    /// The bounds of the session: line length, kept events, out-of-band execution.
    pub fn session(mut self, session: SessionOptions) -> Self {
        self.session = session;
        self
    }
}

/// Tells how the server's process ended, once it has.
#[derive(Clone)]
struct Watch(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}
