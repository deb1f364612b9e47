//! A monitor over TLS, by rustls: QEMU proves who it is, and so does the client if QEMU wants to know.
//!
//! ```sh
//! qemu-system-x86_64 -display none -nodefaults -S \
//!     -object tls-creds-x509,id=tls,dir=/etc/pki/qemu,endpoint=server,verify-peer=on \
//!     -chardev socket,id=monitor,host=0.0.0.0,port=4444,server=on,wait=off,tls-creds=tls \
//!     -mon chardev=monitor,mode=control
//! cargo run --example tls -- vm.example.org:4444 vm.example.org ca-cert.pem client-cert.pem client-key.pem
//! ```
//!
//! Without `verify-peer=on` the last two are left out. The name in front of the files is the one in QEMU's certificate.
//!
//! A TLS stream is no pair of reader and writer: either may have to do the other to get on. So [`Tls`] is a [`Transport`] of
//! its own, and deadlines hold for it as they do for the socket under it. One thread at a time uses it, as it has no
//! `try_split`. With the asynchronous client, which any number of tasks share, nothing of this is needed: it speaks over any
//! stream, such as tokio-rustls makes.

use qemu_qmp::blocking::{Transport, Wait};
use qemu_qmp::qmp::commands::{QueryStatus, QueryVersion};
use qemu_qmp::{Client, ConnectOptions};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (address, name, authority, identity) = match arguments[..] {
        [address, name, authority] => (address, name, authority, None),
        [address, name, authority, certificate, key] => (address, name, authority, Some((certificate, key))),
        _ => return Err("usage: tls HOST:PORT NAME CA-FILE [CERTIFICATE-FILE KEY-FILE]".into()),
    };
    let identity = identity.map(|(certificate, key)| (certificate.as_ref(), key.as_ref()));
    let config = config(authority.as_ref(), identity)?;

    // The TLS handshake is part of the client's first exchange, and within its deadline.
    let tls = Tls::new(config, name, TcpStream::connect(address)?)?;
    let mut vm = Client::connect_over(tls, &ConnectOptions::new())?;
    let version = vm.execute(QueryVersion::new())?.qemu;
    println!("QEMU {}.{}.{}", version.major, version.minor, version.micro);
    println!("the machine is {}", vm.execute(QueryStatus::new())?.status);

    while let Some(event) = vm.next_event(Duration::from_secs(1))? {
        println!("{:?}", event.data);
    }
    println!("nothing happened for a second");
    vm.close();
    Ok(())
}

/// Whom to believe, and who to be: a certificate and its key.
pub fn config(authority: &Path, identity: Option<(&Path, &Path)>) -> Result<ClientConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(match identity {
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
            config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
        }
        None => config.with_no_client_auth(),
    })
}

/// A TLS connection as what a client speaks over.
pub struct Tls {
    session: ClientConnection,
    socket: TcpStream,
}

impl Tls {
    /// Speaks to the server of this name, which must be in its certificate.
    pub fn new(config: ClientConfig, name: &str, socket: TcpStream) -> Result<Self, Box<dyn Error>> {
        // Each command is one write, and must not wait for the reply to an earlier one.
        socket.set_nodelay(true)?;
        let mut session = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned())?)?;
        // However long a command is, the session takes it as a whole.
        session.set_buffer_limit(None);
        Ok(Tls { session, socket })
    }

    /// Calls this with the TLS stream, while the socket under it may wait so long.
    fn in_time<T>(
        &mut self,
        wait: Wait,
        operate: impl FnOnce(&mut Stream<'_, ClientConnection, InTime<'_>>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut socket = InTime { socket: &mut self.socket, wait };
        operate(&mut Stream::new(&mut self.session, &mut socket))
    }
}

impl Transport for Tls {
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
        // If the time is over in the middle of a record, the session keeps the first half.
        self.in_time(wait, |stream| stream.read(buffer))
    }

    fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
        self.in_time(wait, |stream| {
            // QEMU 7.2 reads one byte, and forgets what else is in the record until the next one comes. QEMU 10 does not
            // need this, and does not mind.
            for byte in bytes.chunks(1) {
                stream.conn.writer().write_all(byte)?;
            }
            // What the socket does not take in time stays in the session, too, and goes before anything else.
            match stream.flush() {
                Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    Err(error)
                }
                _ => Ok(bytes.len()),
            }
        })
    }

    fn close(&mut self) {
        self.session.send_close_notify();
        // The farewell goes if there is room for it; it is the end in any case.
        let _ = self.in_time(Wait::Never, |stream| stream.flush());
        self.socket.close();
    }
}

/// A socket that gives up when the time is over.
struct InTime<'a> {
    socket: &'a mut TcpStream,
    wait: Wait,
}

impl Read for InTime<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.receive(buffer, self.wait)
    }
}

impl Write for InTime<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes, self.wait)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
