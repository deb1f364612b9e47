//! What `benches/count --peers` runs under callgrind: something that is done as often as it says.

use crate::server::Server;
use crate::{clients, messages};
use std::hint::black_box;
use std::io::{BufReader, Read, Write};

const NAMES: &str = "event-qapi, event-skipped, call-qapi, socket-NAME";

pub fn run(name: &str, times: u32) {
    match name.split_once('-') {
        Some(("event", "qapi")) => event::<qapi::qmp::QmpMessage<qapi::Empty>>(times),
        Some(("event", "skipped")) => event::<serde::de::IgnoredAny>(times),
        Some(("call", "qapi")) => call(times),
        Some(("socket", client)) => socket(client, times),
        _ => panic!("one of: {NAMES}"),
    }
}

/// From the line to the value.
fn event<T: serde::de::DeserializeOwned>(times: u32) {
    for _ in 0..times {
        black_box(serde_json::from_slice::<T>(black_box(messages::EVENT)).expect("it is one"));
    }
}

/// A call whose command goes nowhere, and whose reply is always there.
fn call(times: u32) {
    #[derive(Clone, Copy)]
    struct Nowhere;
    impl Write for Nowhere {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(black_box(bytes).len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl Read for Nowhere {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            const REPLY: &[u8] =
                b"{\"return\": {\"status\": \"running\", \"singlestep\": false, \"running\": true}}\r\n";
            buffer[..REPLY.len()].copy_from_slice(REPLY);
            Ok(REPLY.len())
        }
    }
    let mut vm = qapi::Qmp::new(qapi::Stream::new(BufReader::new(Nowhere), Nowhere));
    for _ in 0..times {
        black_box(vm.execute(&qapi::qmp::query_status {}).expect("it fits"));
    }
}

/// Calls over a socket. The server is another process, which is not counted.
fn socket(client: &str, times: u32) {
    let server = Server::start_process("serve");
    let path = server.path();
    match client {
        "bare" => clients::bare(&path, times),
        "bare_tokio" => clients::bare_tokio(&path, times),
        "blocking" => clients::blocking(&path, times),
        "shared" => clients::shared(&path, 1, times),
        "tokio" => clients::tokio(&path, 1, times),
        "qapi" => clients::qapi_blocking(&path, times),
        "qapi_tokio" => clients::qapi_tokio(&path, 1, times),
        "qmp" => clients::qmp(&path, 1, times),
        _ => panic!("no client {client}"),
    };
}
