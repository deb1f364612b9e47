//! How much memory an idle monitor takes in a program that watches many.

use crate::clients::runtime;
use crate::server::Server;
use std::io::Write;
use std::os::unix::net::UnixStream;

/// Prints the resident bytes for each of so many monitors. One kind of client in a process, as none gives back what it took.
///
/// The limit of open files must allow one for each.
pub fn measure(client: &str, count: u32) {
    let server = Server::start_process("greet");
    let path = server.path();
    runtime().block_on(async {
        let mut kept: Vec<Box<dyn std::any::Any>> = Vec::with_capacity(count as usize);
        let mut before = 0;
        for number in 0..=count {
            kept.push(match client {
                "bare" => {
                    let mut stream = UnixStream::connect(&path).unwrap();
                    stream.write_all(b"{\"execute\": \"qmp_capabilities\"}\n").unwrap();
                    stream.set_nonblocking(true).unwrap();
                    Box::new(tokio::net::UnixStream::from_std(stream).unwrap())
                }
                "qemu-qmp" => Box::new(qemu_qmp::tokio::Client::connect_unix(&path).await.unwrap()),
                "qapi" => {
                    let negotiation = qapi::futures::QmpStreamTokio::open_uds(&path).await.unwrap();
                    Box::new(negotiation.negotiate().await.unwrap().spawn_tokio())
                }
                "qmp" => Box::new(qmp::Client::connect(qmp::Endpoint::unix(&path)).await.unwrap()),
                _ => panic!("bare, qemu-qmp, qapi or qmp"),
            });
            // The first shows what the runtime takes.
            if number == 0 {
                before = resident();
            }
        }
        println!("{}", resident().saturating_sub(before) / u64::from(count));
    });
}

/// Resident memory of this process, in bytes.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
