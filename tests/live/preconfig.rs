//! A machine that is put together before it is there: what may be asked and said before the board is built.
//!
//! It takes a board that can say where processors fit before it is built, which that of Arm cannot.

use crate::binaries::Binary;
use crate::machine::{self, option};
use crate::queries;
use crate::report::Report;
use serde_json::{json, Value};

/// Places processors and memory on NUMA nodes.
pub fn converse(binary: &Binary, report: &mut Report) -> Result<(), String> {
    let options = [("-machine", "q35,hmat=on"), ("-smp", "2,sockets=2,cores=1,threads=1"), ("-m", "64M")];
    let options = options.map(|(name, value)| option(name, value));
    let mut conversation = machine::preconfigured(binary, report, options.into())?;
    queries::ask_again(&mut conversation);
    for node in 0..2 {
        let memory = format!("memory{node}");
        conversation.run("object-add", json!({"qom-type": "memory-backend-ram", "id": memory, "size": 32 << 20}));
        conversation.run("set-numa-node", json!({"type": "node", "nodeid": node, "memdev": memory, "initiator": node}));
    }
    let slots = conversation.run("query-hotpluggable-cpus", json!({}));
    for (node, slot) in slots.as_array().into_iter().flatten().enumerate() {
        let mut arguments = slot["props"].clone();
        (arguments["type"], arguments["node-id"]) = (json!("cpu"), json!(node));
        conversation.run("set-numa-node", arguments);
    }
    for (source, target) in [(0, 1), (1, 0)] {
        conversation.run("set-numa-node", json!({"type": "dist", "src": source, "dst": target, "val": 20}));
    }
    for (kind, member, value) in [("access-latency", "latency", 10), ("access-bandwidth", "bandwidth", 1 << 30)] {
        conversation.attempt(
            "set-numa-node",
            json!({"type": "hmat-lb", "initiator": 0, "target": 0, "hierarchy": "memory", "data-type": kind, member: value}),
        );
    }
    let cache = json!({"type": "hmat-cache", "node-id": 0, "size": 65536, "level": 1, "associativity": "direct",
        "policy": "write-back", "line": 64});
    conversation.attempt("set-numa-node", cache);
    if conversation.run("x-exit-preconfig", json!({})) != Value::Null {
        queries::ask_again(&mut conversation);
    }
    Ok(())
}
