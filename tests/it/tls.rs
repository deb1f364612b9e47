//! The example `tls`: the blocking client over TLS, with a QEMU if there is one and with a server that dawdles.
//!
//! Certificates are made by the program `openssl`, new ones for each run. Without it, or without QEMU, a test says that it was
//! skipped; with `QEMU_QMP_REQUIRE_QEMU=1` in the environment it fails instead.

#[allow(dead_code)]
#[path = "../../examples/tls.rs"]
mod example;

use example::{config, Tls};
use qemu_qmp::qmp::{commands, commands::*, events::*, types::*};
use qemu_qmp::{Client, ConnectOptions, ErrorKind, Phase};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{mpsc, Arc};
use support::programs::{started, Folder};
use support::qemu::Qemu;
use support::{event, options, Script, GREETING, PATIENCE, SOON};

/// The name in the servers' certificates.
const NAME: &str = "vm.example.org";

/// Two authorities. The first has vouched for a server and a client, under the names that QEMU wants for its files.
struct Certificates(Folder);

impl Certificates {
    /// `None` if there is no `openssl` and none is required.
    fn new() -> Option<Self> {
        let certificates = Certificates(Folder::new());
        for authority in ["ca", "other-ca"] {
            let extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
            certificates.make(authority, authority, &extensions, None)?;
        }
        let name = format!("subjectAltName=DNS:{NAME}");
        let server = [&*name, "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"];
        certificates.make("server", NAME, &server, Some("ca"))?;
        let client = ["subjectAltName=DNS:client", "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=clientAuth"];
        certificates.make("client", "client", &client, Some("ca"))?;
        Some(certificates)
    }

    fn make(&self, file: &str, name: &str, extensions: &[&str], authority: Option<&str>) -> Option<()> {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        command.args(["-config", "/dev/null", "-subj", &format!("/CN={name}")]);
        command.arg("-keyout").arg(self.key(file)).arg("-out").arg(self.certificate(file));
        for extension in extensions {
            command.args(["-addext", extension]);
        }
        if let Some(authority) = authority {
            command.arg("-CA").arg(self.certificate(authority)).arg("-CAkey").arg(self.key(authority));
        }
        let output = started("openssl", command.output())?;
        assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
        Some(())
    }

    fn certificate(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}-cert.pem"))
    }

    fn key(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}-key.pem"))
    }

    /// A client that believes this authority.
    fn client(&self, authority: &str, identity: Option<&str>, name: &str, port: u16) -> qemu_qmp::Result<Client> {
        let identity = identity.map(|identity| (self.certificate(identity), self.key(identity)));
        let identity = identity.as_ref().map(|(certificate, key)| (&**certificate, &**key));
        let config = config(&self.certificate(authority), identity).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        Client::connect_over(Tls::new(config, name, socket).unwrap(), &options())
    }

    /// The server's end of a connection.
    fn serve(&self) -> ServerConnection {
        let chain = vec![CertificateDer::from_pem_file(self.certificate("server")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(self.key("server")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        ServerConnection::new(Arc::new(config)).unwrap()
    }
}

/// A QEMU with a monitor over TLS on a port that it chooses itself, and tells on another monitor.
fn start_qemu(certificates: &Path, verifies: bool) -> Option<(Qemu, u16)> {
    let qemu = Qemu::start_with(|folder| {
        let verify = if verifies { "on" } else { "off" };
        let credentials = format!("endpoint=server,dir={},verify-peer={verify}", certificates.display());
        [
            "-object",
            &format!("tls-creds-x509,id=tls,{credentials}"),
            "-chardev",
            "socket,id=monitor,host=127.0.0.1,port=0,server=on,wait=off,tls-creds=tls",
            "-mon",
            "chardev=monitor,mode=control",
            "-qmp",
            &format!("unix:{},server=on,wait=off", folder.join("socket").display()),
        ]
        .map(str::to_owned)
        .to_vec()
    })?;
    let chardevs = qemu.connect().execute(QueryChardev::new()).unwrap();
    let monitor = chardevs.iter().find(|chardev| chardev.label == "monitor").unwrap();
    let port = monitor.filename.split([':', ',']).find_map(|part| part.parse().ok());
    Some((qemu, port.unwrap_or_else(|| panic!("no port in {}", monitor.filename))))
}

fn converse(vm: qemu_qmp::Result<Client>) {
    let mut vm = vm.unwrap();
    assert!(vm.take_events().unwrap().is_empty());
    assert!(vm.next_event(SOON).unwrap().is_none());
    assert_eq!(vm.execute(QueryStatus::new()).unwrap().status, RunState::Prelaunch);
    vm.execute_and_wait(Cont::new(), PATIENCE, |_: &Resume| true).unwrap();
    // More than one record each way.
    let long = "x".repeat(50_000);
    let reply = vm.cmd("query-name", None, Some(long.as_str().into())).unwrap();
    assert!(reply.as_json().contains(&long));
    assert!(vm.execute(QueryQmpSchema::new()).unwrap().len() > 500);
    vm.execute(commands::Stop::new()).unwrap();
    assert_eq!(vm.execute(QueryStatus::new()).unwrap().status, RunState::Paused);
    vm.close();
}

#[test]
fn qemu_proves_who_it_is() {
    let Some(certificates) = Certificates::new() else { return };
    let Some((qemu, port)) = start_qemu(certificates.0.path(), false) else { return };
    for (authority, name) in [("other-ca", NAME), ("ca", "other.example.org")] {
        let error = certificates.client(authority, None, name, port).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::InvalidData, "{error}");
    }
    converse(certificates.client("ca", None, NAME, port));
    drop(qemu);
}

#[test]
fn qemu_wants_to_know_the_client() {
    let Some(certificates) = Certificates::new() else { return };
    let Some((qemu, port)) = start_qemu(certificates.0.path(), true) else { return };
    let error = certificates.client("ca", None, NAME, port).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Greeting | ErrorKind::Io), "{error}");
    converse(certificates.client("ca", Some("client"), NAME, port));
    drop(qemu);
}

#[test]
fn deadlines_hold_and_lose_nothing() {
    let Some(certificates) = Certificates::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut session = certificates.serve();
    let (go_on, gate) = mpsc::channel();
    let script = Script::start(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut peer = rustls::Stream::new(&mut session, &mut socket);
        peer.write_all(format!("{GREETING}\r\n").as_bytes()).unwrap();
        assert!(read_line(&mut peer).contains("qmp_capabilities"));
        peer.write_all(b"{\"return\": {}}\r\n").unwrap();
        // An event that comes in four pieces, each when the client has given up waiting.
        session.writer().write_all(format!("{}\r\n", event("STOP")).as_bytes()).unwrap();
        let mut record = Vec::new();
        session.write_tls(&mut record).unwrap();
        for piece in record.chunks(record.len().div_ceil(4)) {
            gate.recv().unwrap();
            socket.write_all(piece).unwrap();
        }
        let mut peer = rustls::Stream::new(&mut session, &mut socket);
        assert!(read_line(&mut peer).contains("query-status"));
        // An end without a farewell would be an error here.
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    });
    let mut vm = certificates.client("ca", None, NAME, port).unwrap();
    for _ in 0..3 {
        go_on.send(()).unwrap();
        assert!(vm.next_event(SOON).unwrap().is_none());
        assert!(vm.take_events().unwrap().is_empty());
    }
    let error = vm.within(SOON).execute(QueryStatus::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    go_on.send(()).unwrap();
    let event = vm.next_event(PATIENCE).unwrap().unwrap();
    assert!(matches!(event.data, AnyEvent::Stop(_)));
    vm.close();
    script.finish();
}

#[test]
fn handshake_has_a_deadline() {
    let Some(certificates) = Certificates::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let tls = Tls::new(config(&certificates.certificate("ca"), None).unwrap(), NAME, socket).unwrap();
    let error = Client::connect_over(tls, &ConnectOptions::new().greeting_timeout(SOON)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
}

fn read_line(peer: &mut impl Read) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    String::from_utf8(line).unwrap()
}
