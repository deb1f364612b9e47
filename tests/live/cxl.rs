//! CXL memory, to which errors and capacity are made to happen. Releases differ in what they have of it.

use crate::binaries::Binary;
use crate::conversation::Conversation;
use crate::machine::{self, option};
use crate::report::Report;
use serde_json::{json, Value};

/// The device.
const PATH: &str = "/machine/peripheral/memory";

/// Plugs a memory device and injects whatever can be.
pub fn converse(binary: &Binary, report: &mut Report) -> Result<(), String> {
    let options = [
        ("-machine", "q35,cxl=on"),
        ("-m", "64M,slots=2,maxmem=4G"),
        ("-device", "pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl"),
        ("-device", "cxl-rp,port=0,bus=cxl,id=root,chassis=0,slot=2"),
    ];
    let mut conversation = machine::bare(binary, report, options.map(|(name, value)| option(name, value)).into())?;
    for id in ["volatile", "dynamic"] {
        conversation.run("object-add", json!({"qom-type": "memory-backend-ram", "id": id, "size": 512 << 20}));
    }
    let dynamic = json!({"driver": "cxl-type3", "bus": "root", "id": "memory", "volatile-memdev": "volatile",
        "volatile-dc-memdev": "dynamic", "num-dc-regions": 2});
    let fixed = json!({"driver": "cxl-type3", "bus": "root", "id": "memory", "volatile-memdev": "volatile"});
    if conversation.try_run("device_add", dynamic) == Value::Null
        && conversation.try_run("device_add", fixed) == Value::Null
    {
        conversation.report.note("there is no CXL memory device");
    }
    inject_errors(&mut conversation);
    inject_events(&mut conversation);
    change_capacity(&mut conversation);
    Ok(())
}

fn inject_errors(conversation: &mut Conversation<'_>) {
    conversation.attempt("cxl-inject-poison", json!({"path": PATH, "start": 2048, "length": 256}));
    conversation.attempt("cxl-inject-poison", json!({"path": PATH, "start": 1, "length": 1}));
    conversation.attempt("cxl-inject-correctable-error", json!({"path": PATH, "type": "cache-data-ecc"}));
    let header: Vec<u32> = (0..16).collect();
    let errors = json!([{"type": "cache-address-parity", "header": header}, {"type": "internal", "header": header}]);
    conversation.attempt("cxl-inject-uncorrectable-errors", json!({"path": PATH, "errors": errors}));
}

fn inject_events(conversation: &mut Conversation<'_>) {
    let common = json!({"path": PATH, "log": "informational", "flags": 1, "maint-op-class": 1, "maint-op-subclass": 2,
        "ld-id": 3, "head-id": 4, "dpa": 1000, "descriptor": 3, "type": 1, "sub-type": 0, "transaction-type": 0});
    let short = json!({"path": PATH, "log": "failure", "flags": 1, "dpa": 0, "descriptor": 0, "type": 0, "sub-type": 0,
        "transaction-type": 1, "channel": 1, "rank": 1, "device": 5, "component-id": "Iw7"});
    let mut media = common.clone();
    media["channel"] = json!(3);
    inject_event(conversation, "cxl-inject-general-media-event", media);
    inject_event(conversation, "cxl-inject-general-media-event", short);
    let mut dram = common;
    (dram["row"], dram["nibble-mask"], dram["correction-mask"]) = (json!(1), json!(7), json!([1, 2, 3, 4]));
    inject_event(conversation, "cxl-inject-dram-event", dram);
    let module = json!({"path": PATH, "log": "fatal", "flags": 1, "maint-op-class": 1, "maint-op-subclass": 2, "type": 0, "sub-type": 0,
        "health-status": 3, "media-status": 7, "additional-status": 33, "life-used": 30, "temperature": -15,
        "dirty-shutdown-count": 4, "corrected-volatile-error-count": 3, "corrected-persistent-error-count": 1});
    inject_event(conversation, "cxl-inject-memory-module-event", module);
}

/// Older releases refuse `sub-type`, and newer ones demand it.
fn inject_event(conversation: &mut Conversation<'_>, command: &str, mut event: Value) {
    conversation.attempt(command, event.clone());
    event.as_object_mut().map(|members| members.remove("sub-type"));
    conversation.attempt(command, event);
}

fn change_capacity(conversation: &mut Conversation<'_>) {
    let extents = json!([{"offset": 0, "len": 134_217_728}]);
    let add = json!({"path": PATH, "host-id": 0, "selection-policy": "prescriptive", "region": 0, "tag": "",
        "extents": extents});
    conversation.attempt("cxl-add-dynamic-capacity", add);
    let release = json!({"path": PATH, "host-id": 0, "removal-policy": "prescriptive", "forced-removal": false,
        "sanitize-on-release": false, "region": 0, "tag": "", "extents": extents});
    conversation.attempt("cxl-release-dynamic-capacity", release);
}
