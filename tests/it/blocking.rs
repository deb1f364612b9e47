//! The blocking clients.

mod deadlines;
mod fd;
mod fds;
mod hostile;
mod listener;
mod live;
mod original;
mod retry;
mod shared;
mod transport;
mod typed;
