//! Turns two schemas into APIs: the one that the generator's golden test prints, which is for the monitor, and one for the
//! guest agent, of which the storage daemon has a part.

use qemu_qmp_codegen::{Generator, Peer};

fn main() {
    Generator::new("schema/api.json", "lamps").late_members("schema/late.json").run_in_build_script();
    Generator::new("schema/helper.json", "helper")
        .peer(Peer::GuestAgent)
        .also_for(Peer::StorageDaemon, "schema/helper-part.json")
        .secret_members(["code"])
        .secret_replies(["helper-load"])
        .run_in_build_script();
}
