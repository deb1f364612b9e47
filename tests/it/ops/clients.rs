//! One text for all clients: whatever connection an operation runs on, here it is awaited.

use qemu_qmp::fake::{Exchange, Fake, Fault};
use qemu_qmp::ops::{Answer, Asynchronous, Blocking, Connection, Mode};
use qemu_qmp::session::EventCursor;
use qemu_qmp::{CommandFor, ErrorClass, Monitor, Peer, Result, ServerError};
use std::cell::RefCell;
use std::future::Future;
use std::ops::Deref;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    Blocking::run(future)
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

    pub fn finish(&self) {
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

/// Runs the scenario, a future that uses the connection, with each client, against a stand-in that has the script once more for
/// each of them. The operation leaves so many events to others. After `agent:`, which have no events, the peer is a guest agent.
macro_rules! with_fake {
    (agent: $script:expr, |$connection:ident| $scenario:expr) => {
        with_fake!(@each qemu_qmp::GuestAgent, $script, |$connection| $scenario, |client| {})
    };
    ($script:expr, |$connection:ident| $scenario:expr) => {
        with_fake!($script, |$connection| $scenario, leaves 0)
    };
    ($script:expr, |$connection:ident| $scenario:expr, leaves $left:expr) => {
        with_fake!(@each qemu_qmp::Monitor, $script, |$connection| $scenario, |client| {
            let kept = client.take_events().unwrap_or_default();
            assert_eq!(kept.len(), $left, "the operation takes its own events: {kept:?}");
        })
    };
    (@each $peer:ty, $script:expr, |$connection:ident| $scenario:expr, |$client:ident| $check:block) => {{
        use crate::ops::clients::{block_on, runtime, Awaited, Scripted};
        use support::options;

        let fake = Scripted::<$peer>::new(&$script);
        #[allow(unused_mut, reason = "not every check uses it itself")]
        let mut $client = fake.client_with(&options()).unwrap();
        #[allow(unused_mut, reason = "not every scenario uses it itself")]
        let mut $connection = Awaited($client.lend());
        block_on($scenario);
        $check
        fake.finish();

        let fake = Scripted::<$peer>::new(&$script);
        let $client = fake.client_with(&options()).unwrap().share().unwrap();
        #[allow(unused_mut, reason = "not every scenario uses it itself")]
        let mut $connection = Awaited($client.lend());
        block_on($scenario);
        $check
        fake.finish();

        let fake = Scripted::<$peer>::new(&$script);
        runtime().block_on(async {
            let client = fake.tokio_client_with(&options()).await.unwrap();
            #[allow(unused_mut, reason = "not every scenario uses it itself")]
            let mut $connection = Awaited(client.lend());
            $scenario.await;
        });
        fake.finish();
    }};
}
pub(crate) use with_fake;

/// Runs the scenario, a future that uses the connection, with each client, against a server that follows the script once more for
/// each of them. The operation leaves so many events to others.
macro_rules! with_each_client {
    ($script:expr, |$connection:ident| $scenario:expr) => {
        with_each_client!($script, |$connection| $scenario, leaves 0)
    };
    ($script:expr, |$connection:ident| $scenario:expr, leaves $left:expr) => {{
        use crate::ops::clients::{block_on, runtime, Awaited};
        use std::os::unix::net::UnixStream;
        let connect = || {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let script = support::Script::start(move || {
                let mut peer = support::Peer::unix(theirs);
                peer.negotiate();
                $script(peer)
            });
            (ours, script)
        };

        let (ours, script) = connect();
        let mut vm = qemu_qmp::Client::connect_over(ours, &support::options()).unwrap();
        #[allow(unused_mut, reason = "not every scenario uses it itself")]
        let mut $connection = Awaited(vm.lend());
        block_on($scenario);
        let kept = vm.take_events().unwrap_or_default();
        drop(vm);
        script.finish();
        assert_eq!(kept.len(), $left, "the operation takes its own events: {kept:?}");

        let (ours, script) = connect();
        let vm = qemu_qmp::Client::connect_over(ours, &support::options()).unwrap().share().unwrap();
        #[allow(unused_mut, reason = "not every scenario uses it itself")]
        let mut $connection = Awaited(vm.lend());
        block_on($scenario);
        let kept = vm.take_events().unwrap_or_default();
        drop(vm);
        script.finish();
        assert_eq!(kept.len(), $left, "the operation takes its own events: {kept:?}");

        let (ours, script) = connect();
        runtime().block_on(async {
            ours.set_nonblocking(true).unwrap();
            let ours = ::tokio::net::UnixStream::from_std(ours).unwrap();
            let vm =
                qemu_qmp::tokio::Client::<qemu_qmp::Monitor>::connect_over(ours, &support::options()).await.unwrap();
            #[allow(unused_mut, reason = "not every scenario uses it itself")]
            let mut $connection = Awaited(vm.lend());
            $scenario.await;
        });
        script.finish();
    }};
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
