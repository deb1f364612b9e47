//! What a QEMU sends.

use std::fmt::Write as _;

pub const GREETING: &[u8] = b"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 0, \"major\": 10}, \"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n";

pub const EVENT: &[u8] = b"{\"timestamp\": {\"seconds\": 1795845280, \"microseconds\": 812852}, \"event\": \"BLOCK_JOB_COMPLETED\", \"data\": {\"device\": \"job0\", \"len\": 1073741824, \"offset\": 1073741824, \"speed\": 0, \"type\": \"mirror\"}}\r\n";

const MACHINE: &str = r##"{"hotpluggable-cpus": true, "name": "pc-q35-#", "numa-mem-supported": false, "default-cpu-type": "qemu64-x86_64-cpu", "cpu-max": 288, "deprecated": false, "default-ram-id": "pc.ram"}"##;

const BLOCK: &str = r##"{"iops_rd": 0, "detect_zeroes": "off", "image": {"virtual-size": 1073741824, "filename": "json:{\"driver\": \"null-co\", \"size\": \"1G\"}", "format": "null-co", "actual-size": 0}, "iops_wr": 0, "ro": false, "node-name": "node#", "backing_file_depth": 0, "drv": "null-co", "iops": 0, "bps_wr": 0, "write_threshold": 0, "encrypted": false, "bps": 0, "bps_rd": 0, "cache": {"no-flush": false, "direct": false, "writeback": true}, "file": "json:{\"driver\": \"null-co\", \"size\": \"1G\"}"}"##;

const STATS: &str = r##"{"device": "disk#", "stats": {"unmap_operations": 0, "unmap_merged": 0, "flush_total_time_ns": 0, "wr_highest_offset": 0, "wr_total_time_ns": 0, "failed_wr_operations": 0, "failed_rd_operations": 0, "wr_merged": 0, "wr_bytes": 0, "timed_stats": [], "failed_unmap_operations": 0, "failed_flush_operations": 0, "account_invalid": true, "rd_total_time_ns": 0, "invalid_unmap_operations": 0, "flush_operations": 0, "wr_operations": 0, "unmap_bytes": 0, "rd_merged": 0, "rd_bytes": 0, "unmap_total_time_ns": 0, "invalid_flush_operations": 0, "account_failed": true, "rd_operations": 0, "invalid_wr_operations": 0, "invalid_rd_operations": 0}, "node-name": "node#", "qdev": "/machine/peripheral-anon/device[#]/virtio-backend"}"##;

pub fn machines() -> String {
    array(MACHINE, 60)
}

pub fn blocks() -> String {
    array(BLOCK, 16)
}

pub fn stats() -> String {
    array(STATS, 16)
}

/// Entries of a schema: of each kind a few more than QEMU 7.2 has, where it has more than a few.
pub fn schema() -> String {
    const TYPE: &str = r##"{"name": "#", "members": [{"name": "device", "type": "str"}, {"name": "node-name", "default": null, "type": "str"}, {"name": "throttling.iops-total", "default": null, "type": "int"}, {"name": "x-perf", "default": null, "features": ["unstable"], "type": "12"}], "meta-type": "object"}"##;
    const ENUM: &str = r##"{"name": "#", "members": [{"name": "ignore"}, {"name": "unmap"}, {"name": "enospc"}], "meta-type": "enum", "values": ["ignore", "unmap", "enospc"]}"##;
    const COMMAND: &str = r##"{"name": "query-#", "ret-type": "#", "meta-type": "command", "arg-type": "0"}"##;
    const EVENT: &str = r##"{"name": "EVENT_#", "meta-type": "event", "arg-type": "#"}"##;
    const ARRAY: &str = r##"{"name": "[#]", "element-type": "#", "meta-type": "array"}"##;
    let kinds = [(TYPE, 700), (ENUM, 150), (COMMAND, 240), (EVENT, 60), (ARRAY, 100)];
    let arrays = kinds.map(|(entry, count)| array(entry, count));
    format!("[{}]", arrays.map(|array| array.trim_matches(['[', ']']).to_owned()).join(", "))
}

/// So many of them, numbered.
fn array(item: &str, count: usize) -> String {
    let mut text = String::from("[");
    for number in 0..count {
        let separator = if number == 0 { "" } else { ", " };
        write!(text, "{separator}{}", item.replace('#', &number.to_string())).expect("it has room");
    }
    text + "]"
}
