//! Turns the schemas in `qapi-schema/` into what `src/qmp.rs` and `src/qga.rs` include.

use qemu_qmp_codegen::{Generator, Peer};

const MANUAL: &str = "https://www.qemu.org/docs/master/interop";

fn main() {
    if std::env::var_os("CARGO_FEATURE_QMP").is_some() {
        introspection(Generator::new("qapi-schema/qmp/qapi-schema.json", "qmp"))
            .runtime_in_this_crate()
            .manual(&format!("{MANUAL}/qemu-qmp-ref.html"), "QMP")
            .also_for(Peer::StorageDaemon, "qapi-schema/storage-daemon/qapi-schema.json")
            .late_members("qapi-schema/late-members.json")
            .run_in_build_script();
    }
    if std::env::var_os("CARGO_FEATURE_QGA").is_some() {
        introspection(Generator::new("qapi-schema/qga/qapi-schema.json", "qga"))
            .runtime_in_this_crate()
            .peer(Peer::GuestAgent)
            .manual(&format!("{MANUAL}/qemu-ga-ref.html"), "QGA")
            .run_in_build_script();
    }
}

/// What a stand-in for QEMU goes by, only where there is one.
fn introspection(generator: Generator) -> Generator {
    #[cfg(feature = "fake")]
    let generator = generator.introspection();
    generator
}
