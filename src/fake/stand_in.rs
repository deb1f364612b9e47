//! The typed face of a stand-in: handlers by command, events, calls.

use super::call::Call;
use super::connection::Connection;
use super::core::{Core, Use};
use super::encode;
use super::exchange::{typed, Exchange, Stage};
use super::fault::{Fault, Opening};
use super::listen;
use super::recording::{Recording, Replay};
use super::schema::Kind;
use super::stream::{self, ClientStream};
use crate::address::Address;
use crate::api::{CommandFor, Event, GuestAgent, Monitor, MonitorPeer, Peer, StorageDaemon};
use crate::error::{Result, ServerError};
use crate::message::Version;
use crate::options::ConnectOptions;
use crate::timeout::Timeout;
use crate::{blocking, wire, Error};
use serde_json::Value;
use std::any::TypeId;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

/// A stand-in for QEMU, its storage daemon, or its guest agent. See the [module](super) for what it is for.
///
/// It is a handle: clones are the same stand-in, which ends, with its connections and sockets, when the last of them is dropped.
/// A handler must not hold one, or it never ends; what a handler needs is in its [`Exchange`].
pub struct Fake<P: Peer = Monitor> {
    owner: Arc<Owner>,
    peer: PhantomData<fn() -> P>,
}

/// Ends the stand-in when it is dropped.
struct Owner {
    core: Arc<Core>,
    #[cfg(unix)]
    files: std::sync::Mutex<Vec<crate::socket_file::SocketFile>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.core.end(true);
    }
}

impl Fake<Monitor> {
    /// A stand-in for QEMU's system emulator, whose machine runs.
    pub fn new() -> Self {
        Self::of_peer()
    }
}

impl<P: Peer> Fake<P> {
    /// A stand-in for this peer: `Fake::<GuestAgent>::of_peer()`.
    pub fn of_peer() -> Self {
        let peer = TypeId::of::<P>();
        let kind = match () {
            () if peer == TypeId::of::<GuestAgent>() => Kind::GuestAgent,
            () if peer == TypeId::of::<StorageDaemon>() => Kind::StorageDaemon,
            () => Kind::Monitor,
        };
        let owner = Owner {
            core: Arc::new(Core::new(kind)),
            #[cfg(unix)]
            files: std::sync::Mutex::default(),
        };
        Fake { owner: Arc::new(owner), peer: PhantomData }
    }

    /// Executes a command, from now on, in place of QEMU.
    ///
    /// Arguments that do not fit the command do not get here: they are refused as QEMU refuses them. A handler that panics
    /// fails the command with an error that has the panic's text.
    pub fn on<C: CommandFor<P>>(
        &self,
        mut handler: impl FnMut(C) -> Result<C::Reply, ServerError> + Send + 'static,
    ) -> &Self {
        self.on_with(move |command: C, _: &mut Exchange<'_>| handler(command))
    }

    /// Executes a command likewise, and may do more beside returning a reply: emit events, or go wrong.
    pub fn on_with<C: CommandFor<P>>(
        &self,
        handler: impl FnMut(C, &mut Exchange<'_>) -> Result<C::Reply, ServerError> + Send + 'static,
    ) -> &Self {
        self.core().handle(C::NAME, Use::Always, typed(handler));
        self
    }

    /// Executes the next call of a command, and only that; several are used in the order in which they were given. When all
    /// are used, [`on`](Self::on) counts again.
    pub fn once<C: CommandFor<P>>(
        &self,
        mut handler: impl FnMut(C) -> Result<C::Reply, ServerError> + Send + 'static,
    ) -> &Self {
        self.once_with(move |command: C, _: &mut Exchange<'_>| handler(command))
    }

    /// The same with all that [`on_with`](Self::on_with) can do.
    pub fn once_with<C: CommandFor<P>>(
        &self,
        handler: impl FnMut(C, &mut Exchange<'_>) -> Result<C::Reply, ServerError> + Send + 'static,
    ) -> &Self {
        self.core().handle(C::NAME, Use::Once, typed(handler));
        self
    }

    /// Executes a command of any name, such as one that no schema has.
    pub fn on_name(
        &self,
        name: &str,
        mut handler: impl FnMut(&mut Exchange<'_>) -> Result<Value, ServerError> + Send + 'static,
    ) -> &Self {
        let handler = move |exchange: &mut Exchange<'_>| handler(exchange).map(|value| encode::value(&value));
        self.core().handle(name, Use::Always, Box::new(handler));
        self
    }

    /// Executes every command of the schema that has no handler and no answer of the stand-in's own. Without this, they fail
    /// with an error that says so.
    pub fn otherwise(
        &self,
        mut handler: impl FnMut(&mut Exchange<'_>) -> Result<Value, ServerError> + Send + 'static,
    ) -> &Self {
        let handler = move |exchange: &mut Exchange<'_>| handler(exchange).map(|value| encode::value(&value));
        self.core().otherwise(Box::new(handler));
        self
    }

    /// Answers nothing of its own accord but what conversations begin with.
    pub fn without_answers(&self) -> &Self {
        self.core().machine().answers = false;
        self
    }

    /// Becomes an older release: what the schema says was added later is unknown to it, and members that came later are left
    /// out of replies and events, whatever handlers return. What that release had and the schema has no more stays away.
    pub fn release(&self, major: u32, minor: u32) -> &Self {
        self.core().set_release(major, minor);
        self
    }

    /// Says which release it is, and changes nothing else.
    pub fn version(&self, major: u32, minor: u32, micro: u32) -> &Self {
        self.core().machine().version = Version { major, minor, micro };
        self
    }

    /// Spoils the answer to the next call of a command that is not spoiled yet.
    pub fn fault<C: CommandFor<P>>(&self, fault: Fault) -> &Self {
        self.core().fault(Some(C::NAME), fault);
        self
    }

    /// Spoils the answer to the next command, whichever it is.
    pub fn fault_next(&self, fault: Fault) -> &Self {
        self.core().fault(None, fault);
        self
    }

    /// Begins the next conversation in another way; several orders are for one conversation each.
    pub fn opening(&self, opening: Opening) -> &Self {
        self.core().opening(opening);
        self
    }

    /// Plays a recorded conversation: with what the server answered, and with its events in the same places. A command that was
    /// never answered, because the recording ends there, ends the connection.
    ///
    /// A recording has a message on each line, after `-> ` if a client sent it and after `<- ` if the server did, as
    /// [`Recorder`](super::Recorder) writes it.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) if it is no such recording.
    pub fn replay(&self, recording: impl AsRef<[u8]>, how: Replay) -> io::Result<&Self> {
        self.core().replay(Recording::parse(recording.as_ref(), how)?);
        Ok(self)
    }

    /// The names of the recorded commands that have not come.
    pub fn unplayed(&self) -> Vec<String> {
        self.core().unplayed()
    }

    /// A blocking client that is connected to it, in memory. Each has a monitor of its own, and all get all events.
    ///
    /// # Errors
    ///
    /// Those of connecting, if the conversation does not begin as it should.
    pub fn client(&self) -> Result<blocking::Client<P>> {
        self.client_with(&ConnectOptions::new())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// Those of [`client`](Self::client).
    pub fn client_with(&self, options: &ConnectOptions) -> Result<blocking::Client<P>> {
        blocking::Client::connect_over(self.connect()?, options)
    }

    /// Listens at a path for other programs, and for clients that are to connect again. One client at a time is served; the
    /// next one waits for its greeting until that one is gone.
    ///
    /// # Errors
    ///
    /// Those of binding a socket.
    #[cfg(unix)]
    pub fn listen_unix(&self, path: impl AsRef<std::path::Path>) -> io::Result<()> {
        self.keep(listen::unix(self.core(), path.as_ref())?);
        Ok(())
    }

    /// Keeps a socket's file until all is over.
    #[cfg(unix)]
    pub(super) fn keep(&self, file: crate::socket_file::SocketFile) {
        super::outlet::lock(&self.owner.files).push(file);
    }

    /// The same at an address, such as `("127.0.0.1", 0)`; says which it is.
    ///
    /// # Errors
    ///
    /// Those of binding a socket.
    pub fn listen_tcp(&self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        listen::tcp(self.core(), listener)?;
        Ok(address)
    }

    /// Ends the present connections, as a QEMU that crashes would. Others can be made.
    pub fn disconnect(&self) {
        self.core().disconnect();
    }

    /// All commands that clients sent so far, in order, refused ones included; but not those that conversations begin with.
    pub fn calls(&self) -> Vec<Call> {
        self.core().calls()
    }

    /// Those of one command whose arguments fit it.
    pub fn calls_of<C: CommandFor<P>>(&self) -> Vec<C> {
        self.calls().iter().filter_map(Call::decode).collect()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.core().clear_calls();
    }

    /// Waits until a command is called, and gives the call; `None` if it does not come in time. Each call is given once,
    /// those from before included. Its handler may not have run yet.
    pub fn wait_for_call<C: CommandFor<P>>(&self, timeout: impl Timeout) -> Option<C> {
        let deadline = timeout.limit().and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(command) = self.core().wait_for_call(C::NAME, deadline)?.decode() {
                return Some(command);
            }
        }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.owner.core
    }

    /// Connects a client, which has said nothing yet.
    fn connect(&self) -> Result<ClientStream> {
        let (ours, theirs) = stream::pair().map_err(failed)?;
        Connection::start(self.core(), theirs).map_err(failed)?;
        Ok(ours)
    }
}

impl<P: MonitorPeer> Fake<P> {
    /// Emits an event to all clients that have negotiated. Where there is none, it is lost.
    pub fn emit<E: Event>(&self, event: &E) {
        self.core().emit(E::NAME, encode::json(event).ok().as_deref());
    }

    /// Emits an event of any name and data.
    pub fn emit_json(&self, name: &str, data: &Value) {
        self.core().emit(name, Some(&encode::value(data)));
    }

    /// Offers no out-of-band execution.
    pub fn without_oob(&self) -> &Self {
        self.core().machine().oob = false;
        self
    }

    /// The distributor's name for the build.
    pub fn package(&self, package: impl Into<String>) -> &Self {
        self.core().machine().package = package.into();
        self
    }
}

impl Fake<Monitor> {
    /// The machine's name, for `query-name`.
    pub fn name(&self, name: impl Into<String>) -> &Self {
        self.core().machine().name = Some(name.into());
        self
    }

    /// The machine's status, for `query-status`: a `RunState`. It runs unless this, or a `stop`, says otherwise.
    pub fn status(&self, status: impl fmt::Display) -> &Self {
        self.core().machine().status = status.to_string();
        self
    }
}

/// A value of which only some members matter, for replies and events: `filled(|gone: &mut DeviceDeleted| gone.path = path)`.
/// The others mean nothing: texts are empty, numbers zero, and enums have a value that no schema knows.
pub fn filled<T: wire::Object>(fill: impl FnOnce(&mut T)) -> T {
    let mut value = T::blank();
    fill(&mut value);
    value
}

/// Nothing but a lack of sockets or threads.
#[cold]
pub(super) fn failed(cause: io::Error) -> Error {
    Error::connect(&Address::from("stand-in"), cause)
}

impl Default for Fake<Monitor> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Peer> Clone for Fake<P> {
    fn clone(&self) -> Self {
        Fake { owner: Arc::clone(&self.owner), peer: PhantomData }
    }
}

impl<P: Peer> fmt::Debug for Fake<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fake").field("peer", &P::NAME).field("calls", &self.calls()).finish_non_exhaustive()
    }
}
