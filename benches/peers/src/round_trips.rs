//! How long a call takes over a Unix socket, by client. The command is `query-status`.
//!
//! A server that answers at once shows what the clients and their system calls take. QEMU itself takes some 200 µs.

use crate::{clients, median};
use std::path::Path;
use std::time::Duration;

/// A client, and which other it is compared with; `run` makes so many calls on a new connection.
struct Subject {
    name: &'static str,
    run: fn(&Path, u32) -> Duration,
}

const PYTHON: &str = "qemu.qmp (Python)";

const SUBJECTS: [Subject; 12] = [
    Subject { name: "bare socket", run: clients::bare },
    Subject { name: "qemu-qmp, blocking", run: clients::blocking },
    Subject { name: "qemu-qmp, shared, 1 thread", run: |path, calls| clients::shared(path, 1, calls) },
    Subject { name: "qemu-qmp, shared, 8 threads", run: |path, calls| clients::shared(path, 8, calls) },
    Subject { name: "qemu-qmp, tokio, 1 task", run: |path, calls| clients::tokio(path, 1, calls) },
    Subject { name: "qemu-qmp, tokio, 8 tasks", run: |path, calls| clients::tokio(path, 8, calls) },
    Subject { name: "qapi, blocking", run: clients::qapi_blocking },
    Subject { name: "qapi, tokio, 1 task", run: |path, calls| clients::qapi_tokio(path, 1, calls) },
    Subject { name: "qapi, tokio, 8 tasks", run: |path, calls| clients::qapi_tokio(path, 8, calls) },
    Subject { name: "qmp, tokio, 1 task", run: |path, calls| clients::qmp(path, 1, calls) },
    Subject { name: "qmp, tokio, 8 tasks", run: |path, calls| clients::qmp(path, 8, calls) },
    Subject { name: PYTHON, run: clients::qemu_qmp },
];

/// Prints a line for each client: its name, microseconds of a call, and its share of the bare socket's.
///
/// Each time over is of one round, so that a machine that is slower for a while slows both.
pub fn compare(socket: &Path, rounds: u32, calls: u32) {
    let has_python = clients::has_qemu_qmp();
    let subjects: Vec<_> = SUBJECTS.iter().filter(|subject| subject.name != PYTHON || has_python).collect();
    let mut times = vec![Vec::new(); subjects.len()];
    for round in 0..=rounds {
        for (subject, times) in subjects.iter().zip(&mut times) {
            let time = (subject.run)(socket, calls);
            if round > 0 {
                times.push(time.as_secs_f64() * 1e6 / f64::from(calls));
            }
        }
    }
    let bare = times[0].clone();
    for (subject, times) in subjects.iter().zip(times) {
        let ratios = times.iter().zip(&bare).map(|(time, bare)| time / bare).collect();
        println!("{}\t{:.1}\t{:.2}", subject.name, median(times), median(ratios));
    }
}
