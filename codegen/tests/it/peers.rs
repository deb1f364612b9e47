//! Which peers a command is for: what the build script says, and what the schemas of other peers list.

use qemu_qmp_codegen::load::load;
use qemu_qmp_codegen::{check, Generator, Peer};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const WHOLE: &str = "
{ 'include': 'shared.json' }
{ 'command': 'start' }
{ 'command': 'stop' }
{ 'event': 'ANY_EVENT' }
";
const SHARED: &str = "{ 'command': 'status' }\n";
const PART: &str = "{ 'include': 'shared.json' }\n{ 'command': 'stop' }\n";

/// A folder with schemas, which goes when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, part: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("qemu-qmp-peers-{test}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("other")).unwrap();
        for (file, text) in [("whole.json", WHOLE), ("shared.json", SHARED), ("part.json", part)] {
            std::fs::write(folder.join(file), text).unwrap();
        }
        Self(folder)
    }

    fn generator(&self) -> Generator {
        Generator::new(self.0.join("whole.json"), "peers")
    }

    fn part(&self) -> PathBuf {
        self.0.join("other/../part.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Peer and command of each marker, in the order in which they are emitted. One that is for all monitors counts as two.
fn markers(generator: &Generator) -> Vec<(String, String)> {
    let generated = generator.generate().unwrap_or_else(|error| panic!("{error}"));
    let text: String = generated.files.into_iter().map(|(_, text)| text).collect();
    // The formatter breaks long lines.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let markers = text.split("impl").filter_map(|implementation| {
        let (path, marked) = implementation.split_once("::api::CommandFor<")?;
        let (peer, marked) = marked.split_once("> for ")?;
        let (command, _) = marked.split_once(" {}")?;
        let peers = match path.trim_start() {
            path if path.starts_with("<P: ") => {
                assert!(peer == "P" && path.contains("::api::MonitorPeer> "), "{path} {peer}");
                vec!["Monitor", "StorageDaemon"]
            }
            path => vec![peer.strip_prefix(path)?.strip_prefix("::api::")?],
        };
        Some(peers.into_iter().map(|peer| (peer.to_owned(), command.to_owned())).collect::<Vec<_>>())
    });
    markers.flatten().collect()
}

fn pairs(markers: &[(String, String)]) -> Vec<(&str, &str)> {
    markers.iter().map(|(peer, command)| (peer.as_str(), command.as_str())).collect()
}

#[test]
fn commands_are_for_the_monitor_unless_said_otherwise() {
    let folder = Folder::new("default", PART);
    let found = markers(&folder.generator());
    assert_eq!(pairs(&found), [("Monitor", "Status"), ("Monitor", "Start"), ("Monitor", "Stop")]);
    let found = markers(&folder.generator().peer(Peer::GuestAgent));
    assert_eq!(pairs(&found), [("GuestAgent", "Status"), ("GuestAgent", "Start"), ("GuestAgent", "Stop")]);
}

#[test]
fn another_peer_has_the_commands_of_its_own_schema() {
    let folder = Folder::new("part", PART);
    // Twice, and once for the peer that has all of them: no marker may be emitted twice.
    let generator = folder.generator().also_for(Peer::StorageDaemon, folder.part());
    let generator = generator.also_for(Peer::StorageDaemon, folder.part()).also_for(Peer::Monitor, folder.part());
    let found = markers(&generator);
    let expected = [
        ("Monitor", "Status"),
        ("StorageDaemon", "Status"),
        ("Monitor", "Start"),
        ("Monitor", "Stop"),
        ("StorageDaemon", "Stop"),
    ];
    assert_eq!(pairs(&found), expected);
}

#[test]
fn the_schemas_of_other_peers_are_inputs_and_shared_files_are_listed_once() {
    let folder = Folder::new("inputs", PART);
    let generated = folder.generator().also_for(Peer::StorageDaemon, folder.part()).generate().unwrap();
    let names: Vec<_> = generated.inputs.iter().map(|input| input.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["whole.json", "shared.json", "part.json"]);
}

#[test]
fn a_command_that_only_the_other_peer_has_is_refused() {
    let folder = Folder::new("stray", "{ 'include': 'shared.json' }\n\n{ 'command': 'explode' }\n");
    let error = folder.generator().also_for(Peer::StorageDaemon, folder.part()).generate().map(|_| ()).unwrap_err();
    let place = (error.at.file.file_name().unwrap().to_str().unwrap(), error.at.line);
    assert_eq!(place, ("part.json", 3));
    assert!(error.message.contains("command 'explode' is not in the schema"), "{error}");
    assert!(error.message.contains("whole.json"), "{error}");
}

#[test]
fn a_schema_of_another_peer_that_is_broken_or_missing_is_refused() {
    let folder = Folder::new("broken", "{ 'command': 'stop', 'returns': 'Nothing' }\n");
    let refused = |path: PathBuf| {
        folder.generator().also_for(Peer::StorageDaemon, path).generate().map(|_| ()).unwrap_err().to_string()
    };
    let broken = refused(folder.part());
    assert!(broken.contains("part.json:1:") && broken.contains("Nothing"), "{broken}");
    let missing = refused(folder.0.join("missing.json"));
    assert!(missing.contains("missing.json:1:1: cannot be read"), "{missing}");
}

#[test]
fn an_event_gives_way_to_the_enum_of_all_events() {
    let folder = Folder::new("events", PART);
    let files = folder.generator().generate().unwrap().files;
    let (_, events) = files.iter().find(|(name, _)| name == "peers_events.rs").unwrap();
    assert!(events.contains("pub struct AnyEventEvent {}") && events.contains("pub enum AnyEvent {"), "{events}");
}

fn vendored(root: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../qapi-schema").join(root).join("qapi-schema.json")
}

fn commands(root: &str) -> usize {
    check::check(&load(&vendored(root)).unwrap()).unwrap().commands.len()
}

/// The numbers are those of the release that `VERSION` names, and move with it.
#[test]
fn every_vendored_command_is_for_the_peers_whose_schemas_have_it() {
    let generator = Generator::new(vendored("qmp"), "qmp").also_for(Peer::StorageDaemon, vendored("storage-daemon"));
    let mut found = markers(&generator);
    found.extend(markers(&Generator::new(vendored("qga"), "qga").peer(Peer::GuestAgent)));
    let distinct: BTreeSet<_> = found.iter().collect();
    assert_eq!(distinct.len(), found.len());
    for (root, peer, count) in
        [("qmp", "Monitor", 243), ("storage-daemon", "StorageDaemon", 77), ("qga", "GuestAgent", 44)]
    {
        let marked = found.iter().filter(|marker| marker.0 == peer).count();
        assert_eq!((marked, commands(root)), (count, count), "{root}");
    }
    let marked = |peer: &str, command: &str| found.contains(&(peer.to_owned(), command.to_owned()));
    assert!(marked("StorageDaemon", "BlockdevAdd") && !marked("StorageDaemon", "DeviceAdd"));
}
