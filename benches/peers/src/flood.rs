//! Whether all events arrive that a server sends at once.

use crate::clients::runtime;
use crate::monitors::resident;
use crate::server::greet;
use qemu_qmp::{tokio::Client, ConnectOptions, Monitor};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::{sync::mpsc, thread};

const EVENT: &str = "{\"timestamp\": {\"seconds\": 1795845280, \"microseconds\": 812852}, \"event\": \"STOP\"}\r\n";

/// Prints how many of so many events a stream of the tokio client gets that does nothing but read, how many it misses, and how much
/// resident memory that takes. With one thread it shares this with the client; with more they are the runtime's.
pub fn measure(threads: u32, count: u32) {
    let runtime = match threads {
        1 => runtime(),
        _ => tokio::runtime::Builder::new_multi_thread().worker_threads(threads as usize).enable_all().build().unwrap(),
    };
    runtime.block_on(async {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let (start, started) = mpsc::channel();
        let server = thread::spawn(move || serve(&far, &started, count));
        let stream = tokio::net::UnixStream::from_std(near).unwrap();
        let options = ConnectOptions::new();
        let vm = Client::<Monitor>::connect_over(stream, &options).await.unwrap();
        let mut events = vm.subscribe();
        let before = resident();
        let reading = tokio::spawn(async move {
            let (mut arrived, mut missed, mut most) = (0_u64, 0, before);
            while arrived + missed < u64::from(count) {
                match events.next().await.unwrap() {
                    Ok(_) => arrived += 1,
                    Err(error) => missed += error.missed().unwrap(),
                }
                if arrived % 4096 == 0 {
                    most = most.max(resident());
                }
            }
            (arrived, missed, most - before)
        });
        // What came before there was a stream would be kept within the connection's own bound.
        start.send(()).unwrap();
        let (arrived, missed, taken) = reading.await.unwrap();
        println!("{arrived}\t{missed}\t{}", taken >> 10);
        vm.close().await;
        server.join().unwrap();
    });
}

/// Negotiates, and then writes events as fast as they are read.
fn serve(mut stream: &UnixStream, started: &mpsc::Receiver<()>, count: u32) {
    greet(stream);
    started.recv().unwrap();
    let many = EVENT.repeat(1000);
    for _ in 0..count / 1000 {
        stream.write_all(many.as_bytes()).unwrap();
    }
    // Stays until the client goes.
    io::copy(&mut stream, &mut io::sink()).unwrap();
}
