//! Turns the schemas in `qapi-schema/` into the modules that `src/api.rs` includes.

use qemu_qmp_codegen::Generator;

const MANUAL: &str = "https://www.qemu.org/docs/master/interop";

fn main() {
    if std::env::var_os("CARGO_FEATURE_QMP").is_some() {
        Generator::new("qapi-schema/qmp/qapi-schema.json", "qmp")
            .runtime_in_this_crate()
            .manual(&format!("{MANUAL}/qemu-qmp-ref.html"), "QMP")
            .late_members("qapi-schema/late-members.json")
            .run_in_build_script();
    }
    if std::env::var_os("CARGO_FEATURE_QGA").is_some() {
        Generator::new("qapi-schema/qga/qapi-schema.json", "qga")
            .runtime_in_this_crate()
            .manual(&format!("{MANUAL}/qemu-ga-ref.html"), "QGA")
            .run_in_build_script();
    }
}
