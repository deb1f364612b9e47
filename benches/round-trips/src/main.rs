//! Counts calls per second over a Unix socket: this crate's clients, and those of the peer `qapi` 0.15.
//!
//!     cargo run --release --manifest-path benches/round-trips/Cargo.toml [ROUNDS [CALLS]]
//!
//! The command is `query-status`. A thread of this process answers it at once, as QEMU would after some 200 µs, so that what
//! is measured is the clients and the system calls that they make. In each round every client makes as many calls as the
//! argument says, one client after the other; the figure is the median of the rounds. Ratios are this crate's over the peer's.
//!
//! `bare socket` writes and reads the same bytes without looking at them: no client can be faster one call at a time.

mod clients;
mod server;

use std::time::{Duration, Instant};

/// What is compared, and with which other subject; `run` makes so many calls on a new connection.
struct Subject {
    name: &'static str,
    peer: Option<usize>,
    run: fn(&std::path::Path, u32) -> Duration,
}

const SUBJECTS: [Subject; 7] = [
    Subject { name: "bare socket", peer: None, run: clients::bare },
    Subject { name: "qapi, blocking", peer: None, run: clients::peer_blocking },
    Subject { name: "qapi, tokio, 1 task", peer: None, run: |path, calls| clients::peer_tokio(path, 1, calls) },
    Subject { name: "qapi, tokio, 8 tasks", peer: None, run: |path, calls| clients::peer_tokio(path, 8, calls) },
    Subject { name: "qemu-qmp, blocking", peer: Some(1), run: clients::blocking },
    Subject { name: "qemu-qmp, tokio, 1 task", peer: Some(2), run: |path, calls| clients::tokio(path, 1, calls) },
    Subject { name: "qemu-qmp, tokio, 8 tasks", peer: Some(3), run: |path, calls| clients::tokio(path, 8, calls) },
];

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>().expect("a number"));
    let rounds = arguments.next().unwrap_or(11);
    let calls = arguments.next().unwrap_or(20_000);
    let server = server::Server::start();
    let mut rates = SUBJECTS.map(|_| Vec::new());
    // The first round warms up, and does not count.
    for round in 0..=rounds {
        for (subject, rates) in SUBJECTS.iter().zip(&mut rates) {
            let time = (subject.run)(server.path(), calls);
            if round > 0 {
                rates.push(f64::from(calls) / time.as_secs_f64());
            }
        }
    }
    println!("{calls} calls, {rounds} rounds\n");
    println!("{:<26}{:>10}{:>10}{:>8}", "", "calls/s", "µs/call", "ratio");
    let medians = rates.map(median);
    for (subject, rate) in SUBJECTS.iter().zip(medians) {
        let ratio = subject.peer.map(|peer| format!("× {:.2}", rate / medians[peer])).unwrap_or_default();
        println!("{:<26}{rate:>10.0}{:>10.1}{ratio:>8}", subject.name, 1e6 / rate);
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// How long something takes.
fn timed(what: impl FnOnce()) -> Duration {
    let start = Instant::now();
    what();
    start.elapsed()
}
