//! The background task of a connection: moves bytes between the stream and the session until one side ends it.
//!
//! It reads whatever happens, so that neither a server that cannot write nor a subscriber that does not listen holds up
//! anything. However it ends (even with its runtime, or by a panic in the stream) everybody who waits is told.

use super::link::Link;
use super::shared::{Order, Shared};
use super::Stream;
use crate::error::{is_closed, Doing, Repr};
use ::tokio::sync::watch;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

/// How often to read before other tasks get their turn: half a megabyte.
const READS_PER_TURN: usize = 32;

/// What drives a connection. The fields are dropped in this order.
pub(super) struct Driver<S> {
    link: Link<S>,
    shared: Farewell,
    _gone: watch::Sender<()>,
    /// Why nothing can be written any more. What the server wrote before it left may still be there to read.
    broken: Option<io::Error>,
}

impl<S: Stream> Driver<S> {
    pub(super) fn new(stream: S, shared: Arc<Shared>, gone: watch::Sender<()>) -> Self {
        Driver { link: Link::new(stream), shared: Farewell(shared), _gone: gone, broken: None }
    }

    /// Drives the connection to its end.
    pub(super) async fn run(mut self) {
        match poll_fn(|cx| self.poll(cx)).await {
            Some(Order::Detach(owner)) => {
                let whole = poll_fn(|cx| self.poll_detach(cx)).await;
                if whole {
                    // If the owner has left meanwhile, this drops the stream.
                    let _ = owner.send(Box::new(self.link.into_stream()));
                }
            }
            Some(Order::Close) => poll_fn(|cx| self.poll_close(cx)).await,
            Some(Order::Drop) => poll_fn(|cx| self.poll_drop(cx)).await,
            None => {}
        }
    }

    /// Ready with an order, or with none if the connection ended by itself.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Order>> {
        let shared = &*self.shared.0;
        for _ in 0..READS_PER_TURN {
            if let Some(order) = shared.attend(cx.waker()) {
                return Poll::Ready(Some(order));
            }
            if self.broken.is_none() {
                if let Poll::Ready(Err(error)) = self.link.poll_write(cx, |written| shared.next_output(written)) {
                    self.broken = Some(error);
                }
            }
            match self.link.poll_read(cx, |bytes| shared.handle_input(bytes)) {
                Poll::Ready(Ok(Some(true))) => continue,
                Poll::Ready(Ok(Some(false))) => {}
                Poll::Ready(Ok(None)) => shared.handle_eof(self.broken.take()),
                Poll::Ready(Err(error)) => lose(shared, error, Doing::Reading),
                Poll::Pending => match self.broken.take() {
                    Some(error) => lose(shared, error, Doing::Writing),
                    None => return Poll::Pending,
                },
            }
            return Poll::Ready(shared.attend(cx.waker()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ready when the line under way is written, with whether it could be. What the server says meanwhile nobody waits
    /// for, but it is read, because a server that cannot write may not read.
    fn poll_detach(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            if let Some(Order::Drop) = self.shared.0.attend(cx.waker()) {
                return Poll::Ready(false);
            }
            if let Poll::Ready(written) = self.link.poll_line(cx) {
                return Poll::Ready(written.is_ok());
            }
            match self.link.poll_read(cx, |_| ()) {
                Poll::Ready(Ok(Some(()))) => {}
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Ready when the stream has said farewell, or nobody is left who wants that.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.shared.0.attend(cx.waker()) {
            Some(Order::Drop) => Poll::Ready(()),
            // It fails if the peer was faster, and there is nothing to do about it.
            _ => self.link.poll_shutdown(cx).map(drop),
        }
    }

    /// Ready at once, because nobody waits: the stream gets one chance to say farewell.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = self.link.poll_shutdown(cx);
        Poll::Ready(())
    }
}

fn lose(shared: &Shared, error: io::Error, doing: Doing) {
    match error {
        error if is_closed(&error) => shared.handle_eof(Some(error)),
        source => shared.fail(Repr::Io { doing, source }.into()),
    }
}

/// Tells everybody when the driver is dropped without having been told to.
struct Farewell(Arc<Shared>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.fail(Repr::NotConnected.into());
    }
}
