//! The storage daemon: the block layer without a machine.

use crate::binaries::Binary;
use crate::blocks;
use crate::conversation::Conversation;
use crate::process::Folder;
use crate::queries;
use crate::report::Report;
use serde_json::json;

/// Starts a daemon and talks to it.
pub fn converse(binary: &Binary, report: &mut Report) -> Result<(), String> {
    let folder = Folder::new().map_err(|error| error.to_string())?;
    let monitor = format!("socket,id=monitor,server=on,wait=off,path={}", folder.text("qmp"));
    let arguments = ["--chardev", &monitor, "--monitor", "chardev=monitor"].map(str::to_owned);
    let mut daemon = Conversation::with_monitor(binary, &arguments, folder, report)?;
    queries::ask_all(&mut daemon);
    queries::check_introspection(&mut daemon);
    blocks::converse(&mut daemon);
    queries::ask_again(&mut daemon);
    daemon.run("quit", json!({}));
    daemon.wait_for_end();
    Ok(())
}
