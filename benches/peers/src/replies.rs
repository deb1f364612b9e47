//! How fast replies are decoded, from the bytes of a line to the typed value.

use crate::session::{answer, ready};
use crate::{median, messages};
use qemu_qmp::message::Request;
use qemu_qmp::qmp::commands::*;
use qemu_qmp::Command;
use std::hint::black_box;
use std::time::Instant;

/// Prints a line for each reply: its name, its length, and megabytes a second for each way to read it.
pub fn compare(rounds: u32) {
    println!("reply\tbytes\tqemu-qmp\tits values alone\tqapi\tserde_json::Value\tskipped");
    row::<QueryQmpSchema, qapi::qmp::query_qmp_schema>("query-qmp-schema", &messages::schema(), rounds);
    row::<QueryMachines, qapi::qmp::query_machines>("query-machines", &messages::machines(), rounds);
    row::<QueryNamedBlockNodes, qapi::qmp::query_named_block_nodes>(
        "query-named-block-nodes",
        &messages::blocks(),
        rounds,
    );
    row::<QueryBlockstats, qapi::qmp::query_blockstats>("query-blockstats", &messages::stats(), rounds);
}

fn row<Ours: Command, Theirs: qapi::Command>(name: &str, value: &str, rounds: u32) {
    let mut session = ready();
    let mut reply = format!("{{\"return\": {value}").into_bytes();
    let line = format!("{{\"return\": {value}, \"id\": \"qmp#1\"}}");
    let mut readers: [Box<dyn FnMut() + '_>; 5] = [
        Box::new(move || {
            let reply = answer(&mut session, Request::untyped(Ours::NAME, None), &mut reply);
            black_box(reply.decode::<Ours>().expect("it fits"));
        }),
        Box::new(|| drop(black_box(Ours::decode_reply(black_box(value)).expect("it fits")))),
        Box::new(|| {
            black_box(serde_json::from_str::<qapi::qmp::QmpMessage<Theirs::Ok>>(black_box(&line)).ok());
        }),
        Box::new(|| drop(black_box(serde_json::from_str::<serde_json::Value>(black_box(&line)).expect("it is JSON")))),
        Box::new(|| _ = serde_json::from_str::<serde::de::IgnoredAny>(black_box(&line)).expect("it is JSON")),
    ];
    let times = 1 + 1_000_000 / line.len();
    let mut rates = [const { Vec::new() }; 5];
    for round in 0..=rounds {
        for (read, rates) in readers.iter_mut().zip(&mut rates) {
            let start = Instant::now();
            (0..times).for_each(|_| read());
            if round > 0 {
                rates.push((times * line.len()) as f64 / start.elapsed().as_secs_f64() / 1e6);
            }
        }
    }
    let mut rates = rates.map(|rates| format!("{:.0}", median(rates)));
    // Some replies of older releases lack members that its types have.
    if serde_json::from_str::<qapi::qmp::QmpMessage<Theirs::Ok>>(&line).is_err() {
        rates[2] = "error".to_owned();
    }
    println!("{name}\t{}\t{}", line.len(), rates.join("\t"));
}
