//! What holds of every text that is laid out, tried on all that is generated and on the code of this repository, and what
//! single shapes look like.

use super::{file, WIDTH};
use crate::emit::{self, Options, Peer, Tables};
use crate::{check, load};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::quote;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All that is emitted for a schema.
fn emitted(root: &str, late_members: Option<&str>) -> Vec<TokenStream> {
    let schema = check::check(&load::load(&repository().join(root)).unwrap()).unwrap();
    let late_members = late_members.map(|list| load::late_table(&repository().join(list)).unwrap());
    let options = Options {
        name: "api".into(),
        runtime: quote!(::qemu_qmp),
        peer: Peer::Monitor,
        manual: Some(("https://example.org/api.html".into(), "API".into())),
        secret_members: ["device".to_owned()].into(),
        secret_replies: ["query-lamp".to_owned()].into(),
    };
    let tables = Tables { also_for: Vec::new(), late_members: late_members.unwrap_or_default() };
    let output = emit::emit(&schema, &options, &tables).unwrap();
    [output.types, output.commands].into_iter().chain(output.events).collect()
}

fn all_emitted() -> Vec<TokenStream> {
    let mut all = emitted("tests/own-schema/schema/api.json", Some("tests/own-schema/schema/late.json"));
    all.extend(emitted("qapi-schema/qmp/qapi-schema.json", Some("qapi-schema/late-members.json")));
    all.extend(emitted("qapi-schema/qga/qapi-schema.json", None));
    all
}

/// The Rust files of a folder and those below it.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The tokens one by one, without commas before a closing bracket.
fn flat(tokens: TokenStream, out: &mut Vec<String>) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                out.push(open.into());
                flat(group.stream(), out);
                if out.last().is_some_and(|last| last == ",") {
                    out.pop();
                }
                out.push(close.into());
            }
            TokenTree::Punct(punct) => out.push(punct.as_char().into()),
            TokenTree::Ident(ident) => out.push(ident.to_string()),
            // The same string may be written in several ways.
            TokenTree::Literal(literal) => out.push(match syn::Lit::new(literal.clone()) {
                syn::Lit::Str(text) => format!("{:?}", text.value()),
                _ => literal.to_string(),
            }),
        }
    }
}

/// Lays out these tokens, and holds that the text has them all, parses, and is not laid out otherwise the next time.
fn laid_out(tokens: TokenStream, what: &str) -> String {
    let text = file(tokens.clone());
    let again: TokenStream = text.parse().unwrap_or_else(|error| panic!("{what}: {error}\n{text}"));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    flat(tokens, &mut before);
    flat(again.clone(), &mut after);
    let first = before.iter().zip(&after).position(|(before, after)| before != after);
    let around = |tokens: &[String], at: usize| tokens[at.saturating_sub(10)..tokens.len().min(at + 10)].join(" ");
    if let Some(at) = first {
        panic!("{what}: not\n{}\nbut\n{}", around(&before, at), around(&after, at));
    }
    assert_eq!(before.len(), after.len(), "{what}");
    syn::parse2::<syn::File>(again.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let second = file(again);
    let first = text.lines().zip(second.lines()).find(|(first, second)| first != second);
    assert!(text == second, "{what}: laid out otherwise the second time: {first:?}");
    text
}

#[test]
fn what_is_emitted_keeps_its_tokens_and_the_width() {
    for (index, tokens) in all_emitted().into_iter().enumerate() {
        let text = laid_out(tokens, &format!("module {index}"));
        assert!(!text.contains("#[doc ="), "every doc is a comment");
        let is_code = |line: &&str| !line.trim_start().starts_with("///");
        let broken = |line: &&str| line.chars().count() <= WIDTH || !line.contains(['(', '[', '{']);
        let wide: Vec<_> = text.lines().filter(is_code).filter(|line| !broken(line)).collect();
        assert!(wide.is_empty(), "{wide:#?}");
    }
}

#[test]
fn other_rust_keeps_its_tokens() {
    let mut files = Vec::new();
    for folder in ["src", "codegen", "tests/support", "tests/it", "examples"] {
        sources(&repository().join(folder), &mut files);
    }
    assert!(files.len() > 50, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        laid_out(tokens, &path.display().to_string());
    }
}

/// Text that is laid out already stays as it is.
#[test]
fn shapes_look_like_rustfmt() {
    let text = r#"
use super::{one, two::Three as _};
const EMPTY: &'static [&'static str] = &[];
const PAIRS: &'static [(&'static str, Self)] = &[
    ("warm-white", Self::WarmWhite),
    ("4k-white", Self::N4kWhite),
    ("x86_64", Self::X86_64),
];
impl<P: api::MonitorPeer> api::CommandFor<P> for Thing {}

/// What it is.
///
///  Indented.
#[doc = "/ no comment"]
#[doc = "two\nlines"]
#[derive(Clone)]
pub struct Thing<'a, T: ?Sized + 'a> {
    pub(crate) first: Option<Box<dyn Fn(&mut T, u8) -> Result<(), E>>>,
    second: &'a [u8; 4],
}

impl<'a> wire::Object for Thing<'a, u8> {
    const MEMBERS: &'static [&'static str] = &[
        "the-first-member", "the-second-member", "the-third-member", "the-fourth-member", "fifth",
        "the-sixth-member",
    ];
    fn set<I: wire::Input>(&mut self, index: usize, input: &mut I) {
        match index {
            0 | 1 => input.put(&mut self.first),
            2 if index - 1 < 3 && !self.done => {
                let x = -1;
                input.skip::<Vec<_>>(x, *self.second)?;
            }
            _ => {}
        }
    }
    fn takes_many_arguments(
        mut self,
        the_first_one: impl Into<String>,
        the_second_one: impl IntoIterator<Item = u8>,
    ) -> Self {
        self.value = Some(the_first_one.into()).map(|value| value + 1).unwrap_or_else(|| 0..=2);
        Self {
            value: <String as Default>::default(),
            other: Some(the_first_one.into_something_else()),
            ..self
        }
    }
}

#[macro_export]
macro_rules! __list {
    ($callback:ident ! $($given:tt)*) => {
        $callback! { $($given)* One, Two, }
    };
}
"#;
    let tokens = text.parse().unwrap();
    assert_eq!(laid_out(tokens, "shapes"), text.trim_start());
}
