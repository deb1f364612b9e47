//! The background task of a connection: moves bytes between the stream and the session until one side ends it.
//!
//! It reads whatever happens, so that a server that cannot write holds up nothing. A reader of events that keeps up with the
//! server, and has only not had its turn, is waited for before more is read than can be kept for it; so is the task that connects.
//! One that was waited for in vain is not again until it has taken all that there is, so that it holds up nothing either. However it ends (even with its
//! runtime, or by a panic in the stream), all that waits for it ends.

use super::framed::FramedStream;
use super::shared::{Order, Shared};
use super::stream::Stream;
use ::tokio::time::{sleep, Instant, Sleep};
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::Duration;

/// How often to read before writing and yielding to other tasks: half a megabyte.
const READS_PER_WRITE: usize = 32;

/// How long a stream that cannot be written to any more is read.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The driver of a connection. The fields are dropped in this order.
pub(super) struct Driver<S> {
    framed: FramedStream<S>,
    shared: Farewell,
    /// Until when the server's last words are waited for, if nothing can be written any more. A runtime may not have noticed
    /// yet that there is something to read.
    last_words: Option<Pin<Box<Sleep>>>,
    /// Since when readers are waited for, and until when.
    readers: Option<(Instant, Pin<Box<Sleep>>)>,
    /// How often was read since all was written that there was.
    reads: usize,
}

impl<S: Stream> Driver<S> {
    pub(super) fn new(stream: S, shared: Arc<Shared>) -> Self {
        let (framed, shared) = (FramedStream::new(stream), Farewell(shared));
        Driver { framed, shared, last_words: None, readers: None, reads: 0 }
    }

    /// Drives the connection to its end.
    #[allow(clippy::manual_async_fn, reason = "it would hold the driver twice for as long as the connection lasts")]
    pub(super) fn run(mut self) -> impl Future<Output = ()> {
        async move {
            match poll_fn(|cx| self.poll(cx)).await {
                Some(Order::Detach(owner)) => {
                    let whole = poll_fn(|cx| self.poll_detach(cx)).await;
                    if whole {
                        // If the owner has left meanwhile, this drops the stream.
                        let _ = owner.send(Box::new(self.framed.into_stream()));
                    }
                }
                Some(Order::Close) => poll_fn(|cx| self.poll_close(cx)).await,
                Some(Order::Drop) => poll_fn(|cx| self.poll_drop(cx)).await,
                None => {}
            }
        }
    }

    /// Ready with an order, or with none if the connection ended by itself.
    ///
    /// What has arrived is read before anything is written, so that the session knows it as older than the commands that go
    /// out next. A server that never stops to write does not keep them from going out.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Order>> {
        let shared = self.shared.0.clone();
        while self.reads < READS_PER_WRITE {
            let (order, patience) = shared.attend_readers(cx.waker());
            if order.is_some() {
                return Poll::Ready(order);
            }
            ready!(self.poll_readers(cx, patience));
            self.reads += 1;
            match self.framed.poll_read(cx, |bytes| shared.handle_input(bytes)) {
                Poll::Ready(Ok(Some(true))) => continue,
                Poll::Ready(Ok(Some(false))) => {}
                Poll::Ready(Ok(None)) => shared.handle_eof(None),
                Poll::Ready(Err(error)) => shared.handle_eof(Some(error)),
                Poll::Pending => {
                    self.write(cx);
                    match &mut self.last_words {
                        Some(end) => ready!(end.as_mut().poll(cx)),
                        None => return Poll::Pending,
                    }
                    shared.handle_eof(None);
                }
            }
            return Poll::Ready(shared.attend(cx.waker()));
        }
        self.write(cx);
        if self.last_words.as_mut().is_some_and(|end| end.as_mut().poll(cx).is_ready()) {
            // A server that never stops to write does not keep a connection that is of no use.
            shared.handle_eof(None);
            return Poll::Ready(shared.attend(cx.waker()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ready when no reader is waited for, or none any longer.
    fn poll_readers(&mut self, cx: &mut Context<'_>, patience: Option<Duration>) -> Poll<()> {
        let Some(patience) = patience.filter(|_| self.last_words.is_none()) else {
            self.readers = None;
            return Poll::Ready(());
        };
        let (since, end) = self.readers.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(patience))));
        // It is shorter once there is a call.
        end.as_mut().reset(*since + patience);
        ready!(end.as_mut().poll(cx));
        self.readers = None;
        self.shared.0.give_up_readers();
        Poll::Ready(())
    }

    /// Writes what there is to write, as far as the stream takes it.
    fn write(&mut self, cx: &mut Context<'_>) {
        self.reads = 0;
        let shared = &*self.shared.0;
        if self.last_words.is_some() {
            return;
        }
        if let Poll::Ready(Err(error)) = self.framed.poll_write(cx, |written| shared.next_output(written)) {
            shared.handle_write_error(error);
            self.last_words = Some(Box::pin(sleep(LAST_WORDS)));
        }
    }

    /// Ready when the line under way is written, with whether it could be. What the server says meanwhile nobody waits
    /// for, but it is read, because a server that cannot write may not read.
    fn poll_detach(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            if let Some(Order::Drop) = self.shared.0.attend(cx.waker()) {
                return Poll::Ready(false);
            }
            if let Poll::Ready(written) = self.framed.poll_line(cx) {
                return Poll::Ready(written.is_ok());
            }
            match self.framed.poll_read(cx, |_| ()) {
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
            _ => self.framed.poll_shutdown(cx).map(drop),
        }
    }

    /// Ready at once, because nobody waits: the stream gets one chance to say farewell.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = self.framed.poll_shutdown(cx);
        Poll::Ready(())
    }
}

/// Tells the shared state that the driver is dropped, even without an order to close.
struct Farewell(Arc<Shared>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.leave();
    }
}
