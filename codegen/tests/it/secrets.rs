//! Secrets that a build script names: a name that the schema does not have is refused.

use qemu_qmp_codegen::Generator;
use std::path::Path;

fn lamps() -> Generator {
    Generator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/own-schema/schema/api.json"), "lamps")
}

#[test]
fn names_that_the_schema_lacks_are_refused() {
    let refused = |generator: Generator| generator.generate().map(|_| ()).unwrap_err().to_string();
    let error = refused(lamps().secret_members(["name", "nmae"]));
    assert!(error.ends_with("api.json:1:1: member 'nmae', which is to be secret, is not in the schema"), "{error}");
    let error = refused(lamps().secret_replies(["query-lamp", "query-lmap"]));
    assert!(error.contains("the reply of command 'query-lmap'"), "{error}");
}

#[test]
fn they_are_emitted_for_each_type_and_command() {
    let generated = lamps().secret_members(["name"]).secret_replies(["query-lamp"]).generate().unwrap();
    let text: String = generated.files.into_iter().map(|(_, text)| text.replace("& [", "&[")).collect();
    assert!(
        text.contains(r#"wire::object!(Lamp, &["name"]);"#)
            && text.contains(r#"wire::alternate!(Brightness, &["name"]);"#)
    );
    assert_eq!(text.matches(r#"Secrets::of(&["name"])"#).count(), 5);
    assert_eq!(text.matches(".and_reply()").count(), 1);
    assert!(!lamps().generate().unwrap().files.iter().any(|(_, text)| text.contains("Secrets")));
}
