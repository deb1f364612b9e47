//! What the clients tell `tracing`. Each test subscribes for its own thread.

mod blocking;
mod tokio;
