//! The tokio client.

mod calls;
mod connect;
mod end;
mod events;
mod fds;
mod hostile;
mod live;
mod random;
