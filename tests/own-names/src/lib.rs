//! APIs of schemas whose names mean something in Rust, in the generator and in the runtime. That this compiles is the test.

/// Structs have the names.
pub mod structs {
    include!(concat!(env!("OUT_DIR"), "/structs.rs"));
}

/// Enums have the names.
pub mod enums {
    include!(concat!(env!("OUT_DIR"), "/enums.rs"));
}

/// Alternates have the names.
pub mod alternates {
    include!(concat!(env!("OUT_DIR"), "/alternates.rs"));
}

#[cfg(test)]
mod tests {
    #![deny(ambiguous_glob_imports)]

    macro_rules! used {
        ($($name:ident,)*) => {
            $(const _: ::std::option::Option<$name> = ::std::option::Option::None;)*
        };
    }

    macro_rules! all_used {
        ($api:ident) => {
            mod $api {
                use crate::$api::{commands::*, events::*, types::*};

                crate::$api::types::for_each_type!(used!);
                crate::$api::commands::for_each_command!(used!);
                crate::$api::events::for_each_event!(used!);

                #[test]
                fn every_name_is_kept_on_the_wire() {
                    let mut all: Mandatory = ::serde_json::from_value(crate::tests::all()).unwrap();
                    all.default = "changed".into();
                    let all = ::serde_json::to_value(all).unwrap();
                    assert_eq!((all["default"].as_str(), all["self"].as_str()), (Some("changed"), Some("self")));
                }
            }
        };
    }

    all_used!(structs);
    all_used!(enums);
    all_used!(alternates);

    /// A value of the struct that has all names for members.
    fn all() -> serde_json::Value {
        let names = <crate::structs::types::Mandatory as qemu_qmp::wire::Object>::MEMBERS;
        names.iter().map(|name| ((*name).to_owned(), serde_json::Value::from(*name))).collect()
    }
}
