//! How much memory the tokio client takes, as the system sees it: bounded in a flood, little when idle.

#![cfg(all(feature = "tokio", feature = "qmp", target_os = "linux"))]

use qemu_qmp::qmp::commands::QueryStatus;
use qemu_qmp::session::SessionOptions;
use qemu_qmp::ConnectOptions;
use std::sync::Mutex;
use support::tokio::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The tests of this file measure the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// How many events a flood has, unless `QEMU_QMP_FLOOD` says otherwise.
const FLOOD: u64 = 200_000;

const MONITORS: u64 = 2000;

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn run(test: impl std::future::Future<Output = ()>) {
    let _alone = ALONE.lock();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn flood_of_events_during_a_call() {
    run(async {
        let flood = std::env::var("QEMU_QMP_FLOOD").map_or(FLOOD, |count| count.parse().expect("a number of events"));
        let options = ConnectOptions::new().session(SessionOptions::new().max_event_bytes(1 << 20));
        let (vm, script) = connected(options, move |mut peer| async move {
            let command = peer.expect(STATUS).await;
            let some = event("RTC_CHANGE", serde_json::json!({"offset": 1, "qom-path": "x".repeat(100)})) + "\n";
            for _ in 0..flood / 100 {
                peer.raw(some.repeat(100).as_bytes()).await;
            }
            peer.reply(&command, paused()).await;
        })
        .await;
        let (mut slow, _slower) = (vm.subscribe(), vm.subscribe());
        let before = resident();
        vm.execute(QueryStatus::new()).await.unwrap();
        let taken = resident().saturating_sub(before);
        println!("{flood} events: {} kB more", taken / 1024);
        assert!(taken < 16 << 20, "{taken} bytes");
        let missed = slow.next().await.unwrap().unwrap_err().missed().unwrap();
        assert_eq!(vm.counters().dropped_events, 2 * missed);
        let mut kept = 0;
        while missed + kept < flood {
            slow.next().await.unwrap().unwrap();
            kept += 1;
        }
        assert!((1000..10_000).contains(&kept), "{kept}");
        script.await.unwrap();
    });
}

#[test]
fn many_monitors_in_one_process() {
    run(async {
        let mut monitors = Vec::new();
        let before = resident();
        for _ in 0..MONITORS {
            // No server of its own, so that it is the client alone that is measured, and the pipe.
            let (near, mut far) = tokio::io::duplex(512);
            far.write_all(format!("{GREETING}\n{{\"return\": {{}}}}\n").as_bytes()).await.unwrap();
            monitors.push((over(near).await.unwrap(), far));
        }
        for (vm, far) in &mut monitors {
            let answer = async {
                let mut sent = Vec::new();
                while !sent.ends_with(b"\n") || !sent.windows(STATUS.len()).any(|part| part == STATUS.as_bytes()) {
                    sent.push(far.read_u8().await.unwrap());
                }
                far.write_all(b"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\n").await.unwrap();
            };
            let (reply, ()) = tokio::join!(vm.execute(QueryStatus::new()), answer);
            assert!(reply.unwrap_err().is_server());
        }
        let each = resident().saturating_sub(before) / MONITORS;
        println!("{MONITORS} monitors: {each} bytes for each");
        assert!(each < 8 << 10, "{each} bytes");
    });
}
