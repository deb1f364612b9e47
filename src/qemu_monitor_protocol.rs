//! QEMU's original Python class, method by method, over the blocking client.

use crate::address::Address;
use crate::blocking::Client;
use crate::error::{Repr, Result};
use crate::message::{Greeting, RawEvent, Reply};
use crate::options::ConnectOptions;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The class `QEMUMonitorProtocol` of QEMU's Python scripts since 2009: a monitor's address, and commands and events
/// without types. For programs that are ported from it; others are better served by [`Client`](crate::Client).
///
/// | Python | here |
/// | --- | --- |
/// | `QEMUMonitorProtocol(address)` | [`new`](Self::new): nothing is connected yet |
/// | `connect()` | [`connect`](Self::connect) returns the greeting |
/// | `cmd(name, args, id)`, `cmd_obj(obj)` | [`cmd`](Self::cmd), [`cmd_obj`](Self::cmd_obj): a server's error is a reply, and a closed connection an error of the kind [`Closed`](crate::ErrorKind::Closed) |
/// | `get_events()` | [`get_events`](Self::get_events): never waits, and leaves the events |
/// | `clear_events()`, `close()` | [`clear_events`](Self::clear_events), [`close`](Self::close) |
///
/// ```no_run
/// # fn main() -> qemu_qmp::Result<()> {
/// let mut qmp = qemu_qmp::QemuMonitorProtocol::new("/run/vm.qmp");
/// println!("QEMU {}", qmp.connect()?.version);
/// println!("{:?}", qmp.cmd("query-status", None, None)?.result());
/// for event in qmp.get_events()? {
///     println!("{}", event.name);
/// }
/// qmp.clear_events()?;
/// qmp.close();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct QemuMonitorProtocol {
    address: Address,
    options: ConnectOptions,
    client: Option<Client>,
}

impl QemuMonitorProtocol {
    /// For the monitor at this address: the path of a Unix socket, or `(host, port)`. Nothing is connected yet.
    pub fn new(address: impl Into<Address>) -> Self {
        Self::with_options(address, ConnectOptions::new())
    }

    /// The same with deadlines and bounds of one's own.
    pub fn with_options(address: impl Into<Address>, options: ConnectOptions) -> Self {
        QemuMonitorProtocol { address: address.into(), options, client: None }
    }

    /// Connects, reads the greeting, and negotiates capabilities. After [`close`](Self::close), and once the peer has closed
    /// the connection, it connects again; events of an earlier connection are gone then.
    ///
    /// # Errors
    ///
    /// Those of [connecting](Client#connecting). [`Greeting`](crate::ErrorKind::Greeting) or
    /// [`Timeout`](crate::ErrorKind::Timeout) means that no greeting came, [`Negotiation`](crate::ErrorKind::Negotiation) that
    /// the server refused. [`AlreadyConnected`](crate::ErrorKind::AlreadyConnected) if there is a connection.
    pub fn connect(&mut self) -> Result<Greeting> {
        if self.is_connected() {
            return Err(Repr::AlreadyConnected.into());
        }
        self.client = None;
        let client = self.client.insert(Client::connect_with(self.address.clone(), &self.options)?);
        Ok(client.greeting().clone())
    }

    /// Executes a command by its name, with optional arguments and id, and gives the server's reply, also if it is an error.
    /// Events that arrive before the reply are kept.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](crate::ErrorKind::NotConnected) before `connect` and after `close`, and those of
    /// [`Client::cmd`]; [`Closed`](crate::ErrorKind::Closed) once the peer has closed the connection.
    pub fn cmd(&mut self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.client()?.cmd(name, arguments, id)
    }

    /// Sends a request that is an object already, and gives the server's reply, also if it is an error.
    ///
    /// # Errors
    ///
    /// Those of [`cmd`](Self::cmd).
    pub fn cmd_obj(&mut self, request: Map<String, Value>) -> Result<Reply> {
        self.client()?.cmd_obj(request)
    }

    /// All events that were not cleared: those that are kept, and what is waiting on the socket. Never waits. The events stay.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](crate::ErrorKind::NotConnected) before `connect` and after `close`. What ended the connection comes
    /// when there is no event. [`Malformed`](crate::ErrorKind::Malformed) and [`Missed`](crate::ErrorKind::Missed), once, if a
    /// line could not be read, or events were dropped at the bounds; the events are there for the next call.
    pub fn get_events(&mut self) -> Result<Vec<Arc<RawEvent>>> {
        self.client()?.kept_events()
    }

    /// Forgets all events that are kept. Those that are waiting on the socket are not among them.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](crate::ErrorKind::NotConnected) before `connect` and after `close`.
    pub fn clear_events(&mut self) -> Result<()> {
        self.client()?.clear_kept_events();
        Ok(())
    }

    /// Closes the connection. Does nothing if there is none.
    pub fn close(&mut self) {
        if let Some(client) = self.client.take() {
            client.close();
        }
    }

    /// Returns whether there is a connection, as far as is known without asking the peer.
    pub fn is_connected(&self) -> bool {
        self.client.as_ref().is_some_and(Client::is_connected)
    }

    fn client(&mut self) -> Result<&mut Client> {
        self.client.as_mut().ok_or_else(|| Repr::NotConnected.into())
    }
}
