//! Turns the schemas in `qapi-schema/` into what `src/qmp.rs` and `src/qga.rs` include.

use qemu_qmp_codegen::{Generator, Peer};

/// What the guide leads to: features, and the systems that have it all.
const GUIDE: [&str; 7] =
    ["FEATURE_QMP", "FEATURE_QGA", "FEATURE_FAKE", "FEATURE_FD", "FEATURE_TOKIO", "FEATURE_TRACING", "CFG_UNIX"];

const MANUAL: &str = "https://www.qemu.org/docs/master/interop";

fn main() {
    if GUIDE.into_iter().all(is_set) {
        println!("cargo::rustc-cfg=qemu_qmp_guide");
    }
    if is_set("FEATURE_QMP") {
        introspection(Generator::new("qapi-schema/qmp/qapi-schema.json", "qmp"))
            .runtime_in_this_crate()
            .manual(&format!("{MANUAL}/qemu-qmp-ref.html"), "QMP")
            .also_for(Peer::StorageDaemon, "qapi-schema/storage-daemon/qapi-schema.json")
            .late_members("qapi-schema/late-members.json")
            .run_in_build_script();
    }
    if is_set("FEATURE_QGA") {
        introspection(Generator::new("qapi-schema/qga/qapi-schema.json", "qga"))
            .runtime_in_this_crate()
            .peer(Peer::GuestAgent)
            .manual(&format!("{MANUAL}/qemu-ga-ref.html"), "QGA")
            .run_in_build_script();
    }
}

/// Returns whether cargo says so to build scripts.
fn is_set(name: &str) -> bool {
    std::env::var_os(format!("CARGO_{name}")).is_some()
}

/// What a stand-in for QEMU goes by, only where there is one.
fn introspection(generator: Generator) -> Generator {
    #[cfg(feature = "fake")]
    let generator = generator.introspection();
    generator
}
