// The text is in `doc/guide`, where it can be read without rustdoc as well. There is nothing here for a program.
//
// `links.md` says where names lead to in rustdoc; it comes first, so that it overrides what stands at the end of each chapter for
// readers of the files.

/// Modules that are documentation alone, and nothing else.
macro_rules! chapters {
    ($($name:ident)*) => {
        $(
            #[doc = include_str!("../doc/guide/links.md")]
            #[doc = include_str!(concat!("../doc/guide/", stringify!($name), ".md"))]
            pub mod $name {}
        )*
    };
}

chapters! {
    first_program clients connecting values errors events
    jobs snapshots hotplug migration guest_agent storage_daemon many_machines
    probing releases testing tracing own_schema
    from_qapi from_python
}
