//! The API of the guest agent, QGA. All of its commands are for a [`GuestAgent`](crate::GuestAgent). It has no events.

include!(concat!(env!("OUT_DIR"), "/qga.rs"));
