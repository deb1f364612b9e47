//! The whole pipeline, for build scripts: from the path of a root schema to formatted Rust files.

use crate::emit::{self, Options, Output, Peer, Tables};
use crate::error::{Error, Location, Result};
#[cfg(feature = "introspection")]
use crate::introspect::introspect;
use crate::schema::Schema;
use crate::{check, layout, load, names, secrets};
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Turns one schema into one Rust API.
#[derive(Debug, Clone)]
pub struct Generator {
    root: PathBuf,
    late_members: Option<PathBuf>,
    also_for: Vec<(Peer, PathBuf)>,
    #[cfg(feature = "introspection")]
    introspection: bool,
    options: Options,
}

/// The output of a [`Generator`].
#[derive(Debug, Clone)]
pub struct Generated {
    /// Name and text of each file: `NAME.rs`, which the program includes, and the modules that this includes in turn.
    pub files: Vec<(String, String)>,
    /// Every file that was read; a change to any of them calls for another run.
    pub inputs: Vec<PathBuf>,
}

impl Generator {
    /// A generator for the schema whose root file is `root`. `name` is that of the output; it must be an identifier
    /// of ASCII letters, digits and underscores, and unique among the APIs of one crate because macros are exported under it.
    pub fn new(root: impl Into<PathBuf>, name: &str) -> Self {
        let name = name.to_owned();
        let options = Options {
            name,
            runtime: quote!(::qemu_qmp),
            peer: Peer::Monitor,
            manual: None,
            secret_members: BTreeSet::new(),
            secret_replies: BTreeSet::new(),
        };
        Self {
            root: root.into(),
            late_members: None,
            also_for: Vec::new(),
            #[cfg(feature = "introspection")]
            introspection: false,
            options,
        }
    }

    /// Emits paths into the crate that the output is part of, instead of into `::qemu_qmp`.
    #[must_use]
    pub fn runtime_in_this_crate(mut self) -> Self {
        self.options.runtime = quote!(crate);
        self
    }

    /// Says whom all commands of the schema are for; the monitor, unless this says otherwise.
    #[must_use]
    pub fn peer(mut self, peer: Peer) -> Self {
        self.options.peer = peer;
        self
    }

    /// Says that another peer has some of the commands: those that the schema whose root file is `root` has too. Only the
    /// names of its commands matter, each of which must be in the generator's own schema.
    #[must_use]
    pub fn also_for(mut self, peer: Peer, root: impl Into<PathBuf>) -> Self {
        self.also_for.push((peer, root.into()));
        self
    }

    /// Links every definition to its entry in a reference manual: the page's address, and the namespace that its anchors
    /// start with.
    #[must_use]
    pub fn manual(mut self, page: &str, namespace: &str) -> Self {
        self.options.manual = Some((page.to_owned(), namespace.to_owned()));
        self
    }

    /// Makes members optional that older servers do not send. The file holds `{"Type": {"member": "release"}}`, the
    /// release being the first that always sends the member.
    #[must_use]
    pub fn late_members(mut self, file: impl Into<PathBuf>) -> Self {
        self.late_members = Some(file.into());
        self
    }

    /// Says that members of these names are secret, in whichever type, command or event: `{:?}` and traces show `***` instead of
    /// their values. Members called `password`, `secret`, `token`, `key` and the like are secret without being named.
    #[must_use]
    pub fn secret_members<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.options.secret_members.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Says that what these commands return is secret as a whole: traces and errors show nothing of it.
    #[must_use]
    pub fn secret_replies<'n>(mut self, commands: impl IntoIterator<Item = &'n str>) -> Self {
        self.options.secret_replies.extend(commands.into_iter().map(str::to_owned));
        self
    }

    /// Writes the schema as data as well, for a stand-in for a server: `NAME_introspection.json`, and
    /// `NAME_PEER_introspection.json` for each peer that has some of the commands. With the feature `introspection`.
    #[cfg(feature = "introspection")]
    #[must_use]
    pub fn introspection(mut self) -> Self {
        self.introspection = true;
        self
    }

    /// The file that has a schema as data, if it is wanted.
    #[cfg(feature = "introspection")]
    fn introspect(&self, schema: &Schema, tables: &Tables, peer: &str) -> Option<(String, String)> {
        let name = format!("{}{peer}_introspection.json", self.options.name);
        self.introspection.then(|| (name, introspect(schema, &tables.late_members)))
    }

    #[cfg(not(feature = "introspection"))]
    fn introspect(&self, _: &Schema, _: &Tables, _: &str) -> Option<(String, String)> {
        None
    }

    /// Reads and checks the schema and emits Rust.
    ///
    /// # Errors
    /// Where the name of the output is no identifier, a file cannot be read, a schema breaks a rule of the language, a peer's schema has a command that the
    /// generator's own lacks, or a secret is not in the schema; the error names the location.
    pub fn generate(&self) -> Result<Generated> {
        if !names::is_identifier(&self.options.name) {
            let message = format!("the name of the output, '{}', is no identifier", self.options.name);
            return Err(Error::new(&Location::start_of(&self.root), message));
        }
        let schema = read(&self.root)?;
        secrets::check(&schema, &self.options.secret_members, &self.options.secret_replies, &self.root)?;
        let (mut tables, mut inputs) = (Tables::default(), Vec::new());
        for module in &schema.modules {
            inputs.push(module.path.clone());
        }
        if let Some(file) = &self.late_members {
            tables.late_members = load::late_table(file)?;
            inputs.push(file.clone());
        }
        let mut files = Vec::new();
        files.extend(self.introspect(&schema, &tables, ""));
        for (peer, root) in &self.also_for {
            let part = read(root)?;
            check_part(&part, &schema, &self.root)?;
            files.extend(self.introspect(&part, &tables, &format!("_{}", peer.name())));
            let mut commands = BTreeSet::new();
            for command in &part.commands {
                commands.insert(command.def.name.clone());
            }
            tables.also_for.push((*peer, commands));
            for module in &part.modules {
                inputs.push(module.path.clone());
            }
        }
        // Schemas share files, which they may name differently.
        let mut seen = Vec::new();
        inputs.retain(|input| {
            let identity = load::identity(input).into_os_string();
            let is_new = !seen.contains(&identity);
            seen.push(identity);
            is_new
        });
        let output = emit::emit(&schema, &self.options, &tables)?;
        self.lay_out(output, &mut files);
        Ok(Generated { files, inputs })
    }

    /// Adds the files of an API.
    fn lay_out(&self, output: Output, files: &mut Vec<(String, String)>) {
        let name = &self.options.name;
        let mut index = include(name, "types");
        index.extend(include(name, "commands"));
        if output.events.is_some() {
            index.extend(include(name, "events"));
        }
        files.push((format!("{name}.rs"), layout::file(index)));
        files.push((format!("{name}_types.rs"), layout::file(output.types)));
        files.push((format!("{name}_commands.rs"), layout::file(output.commands)));
        if let Some(events) = output.events {
            files.push((format!("{name}_events.rs"), layout::file(events)));
        }
    }

    /// Generates into `OUT_DIR` and tells Cargo which files the output depends on. An error ends the build with its
    /// message.
    pub fn run_in_build_script(&self) {
        let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
        let result = self.generate().and_then(|generated| generated.write(&out_dir).map(|()| generated));
        match result {
            Ok(generated) => {
                for input in &generated.inputs {
                    println!("cargo::rerun-if-changed={}", input.display());
                }
            }
            Err(error) => {
                println!("cargo::error={error}");
                eprintln!("{error}");
                std::process::exit(1);
            }
        }
    }
}

impl Generated {
    /// Writes the files into a folder. A file that would not change is left alone.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for (name, text) in &self.files {
            load::write(&folder.join(name), text)?;
        }
        Ok(())
    }
}

fn read(root: &Path) -> Result<Schema> {
    check::check(&load::load(root)?)
}

/// Refuses a peer's schema that has a command which is not in the whole schema, the one whose root file is `root`.
fn check_part(part: &Schema, whole: &Schema, root: &Path) -> Result<()> {
    let is_known = |name: &str| whole.commands.iter().any(|command| command.def.name == name);
    match part.commands.iter().find(|command| !is_known(&command.def.name)) {
        None => Ok(()),
        Some(stray) => {
            let name = &stray.def.name;
            let message =
                format!("command '{name}' is not in the schema that the API is made from, '{}'", root.display());
            Err(Error::new(&stray.def.at, message))
        }
    }
}

/// What the file that programs include says of one module.
fn include(name: &str, module: &str) -> TokenStream {
    let ident = names::ident(module);
    let file = format!("/{name}_{module}.rs");
    let doc = match module {
        "types" => " Enums, structs, unions and alternates.",
        "commands" => " Commands, each with the type of its reply.",
        _ => " Events, and the enum of all of them.",
    };
    quote! {
        #[doc = #doc]
        #[allow(deprecated, missing_docs, rustdoc::redundant_explicit_links, unused_imports, clippy::all, clippy::pedantic)]
        pub mod #ident {
            include!(concat!(env!("OUT_DIR"), #file));
        }
    }
}
