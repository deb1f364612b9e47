//! Turns the schema that the generator's golden test prints into an API.

fn main() {
    qemu_qmp_codegen::Generator::new("../../codegen/tests/emitted/api.json", "lamps")
        .late_members("../../codegen/tests/emitted/late.json")
        .run_in_build_script();
}
