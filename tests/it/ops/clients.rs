//! One text for all clients: whatever connection an operation runs on, here it is awaited.

use qemu_qmp::fake::{Exchange, Fake, Fault};
use qemu_qmp::ops::{Answer, Asynchronous, Blocking, Connection, Mode};
use qemu_qmp::session::EventCursor;
use qemu_qmp::{CommandFor, ErrorClass, Monitor, Peer, Result, ServerError};
use std::cell::RefCell;
use std::future::Future;
use std::ops::Deref;
use std::os::unix::net::UnixStream;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::options;

/// A connection whose operations are futures, also if it blocks. At the same time a connection as a program may have one of its
/// own.
pub struct Awaited<K>(pub K);

impl<K: Connection> Connection for Awaited<K> {
    type Peer = K::Peer;
    type Mode = Asynchronous;

    async fn execute<C: CommandFor<K::Peer>>(
        &mut self,
        command: C,
        deadline: Option<Instant>,
    ) -> Result<Answer<C::Reply>> {
        self.0.execute(command, deadline).await
    }

    async fn find_event<T>(
        &mut self,
        deadline: Option<Instant>,
        wanted: impl FnMut(&qemu_qmp::message::RawEvent, EventCursor) -> Option<T>,
    ) -> Result<Option<T>> {
        self.0.find_event(deadline, wanted).await
    }

    async fn sleep_until(&mut self, time: Instant) {
        self.0.sleep_until(time).await;
    }

    fn execute_unawaited<C: CommandFor<K::Peer> + Send + 'static>(&mut self, command: C) {
        self.0.execute_unawaited(command);
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// A deadline that is meant to pass, but not before the operation has begun.
pub const LATE: Duration = Duration::from_millis(500);

/// A monitor that operations are awaited on.
pub trait Awaitable: Connection<Peer = Monitor, Mode = Asynchronous> {}
impl<K: Connection<Peer = Monitor, Mode = Asynchronous>> Awaitable for K {}

/// Runs what blocks, and is written as if it did not.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let future: Pin<&mut dyn Future<Output = T>> = pin!(future);
    Blocking::run(future)
}

/// Runs a scenario of the asynchronous client. Of one type, so that the runtime is compiled once for all of them.
pub fn block_on_tokio(scenario: Pin<Box<dyn Future<Output = ()> + '_>>) {
    runtime().block_on(scenario);
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A stand-in with a script: the commands that it was told of have to come, in this order, and no others. Without any, all may.
pub struct Scripted<P: Peer = Monitor> {
    fake: Fake<P>,
    expected: RefCell<Vec<&'static str>>,
    has_failed: Arc<AtomicBool>,
}

impl<P: Peer> Scripted<P> {
    pub fn new(script: impl FnOnce(&Self)) -> Self {
        let scripted = Scripted { fake: Fake::of_peer(), expected: RefCell::default(), has_failed: Arc::default() };
        script(&scripted);
        scripted
    }

    /// The next command is handled like this. What the handler asserts counts.
    pub fn next<C: CommandFor<P>>(
        &self,
        handler: impl FnOnce(C, &mut Exchange<'_>) -> std::result::Result<C::Reply, ServerError> + Send + 'static,
    ) {
        let (mut handler, has_failed) = (Some(handler), self.has_failed.clone());
        self.expected.borrow_mut().push(C::NAME);
        self.fake.once_with(move |command: C, exchange| {
            let handler = handler.take().expect("it is for one call");
            catch_unwind(AssertUnwindSafe(|| handler(command, exchange))).unwrap_or_else(|panic| {
                has_failed.store(true, Ordering::SeqCst);
                std::panic::resume_unwind(panic)
            })
        });
    }

    /// The next command is this one, and is answered with that.
    pub fn expects<C>(&self, command: C, reply: C::Reply)
    where
        C: CommandFor<P, Reply: Send + 'static> + PartialEq + Send + 'static,
    {
        self.next(move |came: C, _| {
            assert_eq!(came, command);
            Ok(reply)
        });
    }

    /// The next command is answered with this.
    pub fn returns<C: CommandFor<P, Reply: Send + 'static>>(&self, reply: C::Reply) {
        self.next(move |_: C, _| Ok(reply));
    }

    /// The next command is refused.
    pub fn refuses<C: CommandFor<P>>(&self, class: impl Into<ErrorClass>, desc: &str) {
        let error = ServerError::new(class, desc);
        self.next(move |_: C, _| Err(error));
    }

    /// The next command is not answered as it should be.
    pub fn spoils<C: CommandFor<P>>(&self, fault: Fault) {
        self.next(move |_: C, exchange| {
            exchange.fault(fault);
            Err(ServerError::new(ErrorClass::GenericError, "spoilt"))
        });
    }

    pub fn client(&self) -> qemu_qmp::blocking::Client<P> {
        self.fake.client_with(&options()).unwrap()
    }

    pub async fn tokio_client(&self) -> qemu_qmp::tokio::Client<P> {
        self.fake.tokio_client_with(&options()).await.unwrap()
    }

    pub fn finish(self) {
        let came: Vec<_> = self.fake.calls().into_iter().map(|call| call.name).collect();
        let expected = self.expected.borrow();
        assert!(expected.is_empty() || came == *expected, "{came:?} came instead of {expected:?}");
        assert!(!self.has_failed.load(Ordering::SeqCst), "the script failed");
    }
}

impl<P: Peer> Deref for Scripted<P> {
    type Target = Fake<P>;

    fn deref(&self) -> &Fake<P> {
        &self.fake
    }
}

/// A server that follows a script by hand, in a thread.
pub struct ByHand {
    stream: RefCell<Option<UnixStream>>,
    script: support::Script,
}

impl ByHand {
    /// The script begins after the negotiation.
    pub fn new(script: impl FnOnce(support::Peer) + Send + 'static) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let script = support::Script::start(move || {
            let mut peer = support::Peer::unix(theirs);
            peer.negotiate();
            script(peer);
        });
        ByHand { stream: RefCell::new(Some(ours)), script }
    }

    fn stream(&self) -> UnixStream {
        self.stream.take().expect("it serves one client")
    }

    pub fn client(&self) -> qemu_qmp::Client {
        qemu_qmp::Client::connect_over(self.stream(), &options()).unwrap()
    }

    pub async fn tokio_client(&self) -> qemu_qmp::tokio::Client {
        let stream = self.stream();
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::UnixStream::from_std(stream).unwrap();
        qemu_qmp::tokio::Client::connect_over(stream, &options()).await.unwrap()
    }

    pub fn finish(self) {
        self.script.finish();
    }
}

/// Runs the scenario, a future that uses the connection, with each client, against a server of its own each time, and then checks
/// what the client is left with if it blocks.
macro_rules! with_each {
    ($server:expr, |$connection:ident| $scenario:expr, |$client:ident| $check:block) => {{
        use crate::ops::clients::{block_on, block_on_tokio, with_each, Awaited};
        let server = $server;
        with_each!(@blocking server, server.client(), |$connection| $scenario, |$client| $check);
        let server = $server;
        with_each!(@blocking server, server.client().share().unwrap(), |$connection| $scenario, |$client| $check);
        let server = $server;
        block_on_tokio(Box::pin(async {
            let client = server.tokio_client().await;
            #[allow(unused_mut, reason = "not every scenario uses it itself")]
            let mut $connection = Awaited(client.lend());
            $scenario.await;
        }));
        server.finish();
    }};
    (@blocking $server:ident, $start:expr, |$connection:ident| $scenario:expr, |$client:ident| $check:block) => {{
        #[allow(unused_mut, reason = "a shared client need not be")]
        let mut $client = $start;
        #[allow(unused_mut, reason = "not every scenario uses it itself")]
        let mut $connection = Awaited($client.lend());
        block_on($scenario);
        $check
        drop($client);
        $server.finish();
    }};
}
pub(crate) use with_each;

/// The same with a monitor. The operation leaves so many events to others.
macro_rules! with_monitor {
    ($server:expr, |$connection:ident| $scenario:expr, leaves $left:expr) => {
        crate::ops::clients::with_each!($server, |$connection| $scenario, |client| {
            let kept = client.take_events().unwrap_or_default();
            assert_eq!(kept.len(), $left, "the operation takes its own events: {kept:?}");
        })
    };
}
pub(crate) use with_monitor;

/// The same against a stand-in that has the script once more for each of them. After `agent:`, which have no events, the peer is a
/// guest agent.
macro_rules! with_fake {
    (agent: $script:expr, |$connection:ident| $scenario:expr) => {
        crate::ops::clients::with_each!(
            crate::ops::clients::Scripted::<qemu_qmp::GuestAgent>::new(&$script),
            |$connection| $scenario,
            |client| {}
        )
    };
    ($script:expr, |$connection:ident| $scenario:expr) => {
        with_fake!($script, |$connection| $scenario, leaves 0)
    };
    ($script:expr, |$connection:ident| $scenario:expr, leaves $left:expr) => {
        crate::ops::clients::with_monitor!(
            crate::ops::clients::Scripted::<qemu_qmp::Monitor>::new(&$script),
            |$connection| $scenario,
            leaves $left
        )
    };
}
pub(crate) use with_fake;

/// The same against a server that follows the script once more for each of them.
macro_rules! with_each_client {
    ($script:expr, |$connection:ident| $scenario:expr) => {
        with_each_client!($script, |$connection| $scenario, leaves 0)
    };
    ($script:expr, |$connection:ident| $scenario:expr, leaves $left:expr) => {
        crate::ops::clients::with_monitor!(
            crate::ops::clients::ByHand::new($script),
            |$connection| $scenario,
            leaves $left
        )
    };
}
pub(crate) use with_each_client;

/// Tests that run a scenario, which is a function of a connection and of a QEMU, with each client, each time on a new QEMU. What
/// the client of one thread is left with is checked.
macro_rules! on_each_client {
    ($start:expr, $lend:ident, [$($scenario:ident),* $(,)?], $check:expr) => {$(
        #[test]
        fn $scenario() {
            use crate::ops::clients::{block_on, runtime, Awaited};
            let Some(qemu) = $start() else { return };
            let mut vm = qemu.connect();
            block_on(super::$scenario(&mut Awaited(vm.$lend()), &qemu));
            $check(&mut vm);
            drop((vm, qemu));
            let Some(qemu) = $start() else { return };
            let vm = qemu.connect().share().unwrap();
            block_on(super::$scenario(&mut Awaited(vm.$lend()), &qemu));
            drop((vm, qemu));
            let Some(qemu) = $start() else { return };
            runtime().block_on(async {
                let vm = qemu.connect_tokio().await;
                super::$scenario(&mut Awaited(vm.$lend()), &qemu).await;
            });
        }
    )*};
}
pub(crate) use on_each_client;
