//! Files in the guest.

use super::clock::{Clocked, Return, Silence};
use super::{catch, Agent};
use crate::ops::clients::{block_on, with_fake};
use qemu_qmp::fake::{filled, Fault};
use qemu_qmp::ops::guest::{FileError, ReadFile, WriteFile};
use qemu_qmp::qga::{commands::*, types::*};
use qemu_qmp::ErrorKind;
use serde_json::json;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

fn opens(fake: &Agent, mode: &str) {
    fake.expects(GuestFileOpen::new("/f").mode(mode.to_owned()), 3);
}

fn reads(fake: &Agent, reply: GuestFileReadReply) {
    fake.expects(GuestFileRead::new(3).count(4), reply);
}

fn piece(text: &str, count: i64, eof: bool) -> GuestFileReadReply {
    filled(|piece: &mut GuestFileReadReply| (piece.buf_b64, piece.count, piece.eof) = (text.to_owned(), count, eof))
}

fn taken(count: i64) -> GuestFileWriteReply {
    filled(|taken: &mut GuestFileWriteReply| taken.count = count)
}

/// The agent takes so many of these bytes.
fn writes(fake: &Agent, text: &str, count: i64) {
    fake.expects(GuestFileWrite::new(3, text), taken(count));
}

fn flushes(fake: &Agent) {
    fake.expects(GuestFileFlush::new(3), ());
}

fn closes(fake: &Agent) {
    fake.expects(GuestFileClose::new(3), ());
}

fn server(error: FileError) -> String {
    let FileError::Guest(error) = error else { panic!("{error}") };
    error.server_error().unwrap_or_else(|| panic!("{error}")).desc.clone()
}

fn decode(error: FileError) -> String {
    let FileError::Guest(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), ErrorKind::Decode);
    error.to_string()
}

#[test]
fn read_in_pieces() {
    // The end comes with the last bytes, behind them, or as nothing; or there are no bytes at all.
    let ends = [
        (vec![piece("AAECAw==", 4, false), piece("/w==", 1, true)], &[0, 1, 2, 3, 255][..]),
        (vec![piece("AAECAw==", 4, false), piece("", 0, true)], &[0, 1, 2, 3]),
        (vec![piece("AAEC", 3, false), piece("Aw==", 1, false), piece("", 0, false)], &[0, 1, 2, 3]),
        (vec![piece("", 0, true)], &[]),
    ];
    for (pieces, bytes) in ends {
        let script = move |fake: &Agent| {
            opens(fake, "r");
            pieces.iter().for_each(|piece| reads(fake, piece.clone()));
            closes(fake);
        };
        with_fake!(agent: script, |agent| async move {
            assert_eq!(ReadFile::new(agent, "/f").chunk(4).run().await.unwrap(), bytes);
        });
        with_fake!(agent: script, |agent| async move {
            let mut copy = Vec::new();
            let count = ReadFile::new(agent, "/f").chunk(4).copy_to(&mut copy).await.unwrap();
            assert_eq!((&*copy, count), (bytes, bytes.len() as u64));
        });
    }
}

#[test]
fn pieces_are_of_some_size() {
    let script = |fake: &Agent| {
        for count in [1 << 20, 1, 48 << 20] {
            opens(fake, "r");
            fake.expects(GuestFileRead::new(3).count(count), piece("", 0, true));
            closes(fake);
        }
    };
    with_fake!(agent: script, |agent| async move {
        let mut agent = agent;
        ReadFile::new(&mut agent, "/f").run().await.unwrap();
        ReadFile::new(&mut agent, "/f").chunk(0).run().await.unwrap();
        ReadFile::new(&mut agent, "/f").chunk(usize::MAX).run().await.unwrap();
    });
}

#[test]
fn garbage_instead_of_bytes() {
    for (reply, shown) in [
        (piece("c2Vjcm?0", 4, false), "reply to guest-file-read at .buf-b64: "),
        (piece("AAECAw==", 3, false), "reply to guest-file-read at .count: not how many bytes there are"),
        (piece("AAECAw==", -4, true), "reply to guest-file-read at .count: "),
    ] {
        let script = move |fake: &Agent| {
            opens(fake, "r");
            reads(fake, reply.clone());
            closes(fake);
        };
        with_fake!(agent: script, |agent| async move {
            let error = decode(ReadFile::new(agent, "/f").chunk(4).run().await.unwrap_err());
            assert!(error.starts_with(shown) && !error.contains("c2Vjcm"), "{error}");
        });
    }
}

#[test]
fn reading_is_refused_midway() {
    let script = |fake: &Agent| {
        opens(fake, "r");
        reads(fake, piece("AAECAw==", 4, false));
        fake.refuses::<GuestFileRead>("GenericError", "first");
        fake.refuses::<GuestFileClose>("GenericError", "second");
    };
    with_fake!(agent: script, |agent| async move {
        assert_eq!(server(ReadFile::new(agent, "/f").chunk(4).run().await.unwrap_err()), "first");
    });
}

#[test]
fn opening_is_refused() {
    let script = |fake: &Agent| {
        fake.refuses::<GuestFileOpen>("GenericError", "no such file");
        fake.refuses::<GuestFileOpen>("GenericError", "read-only");
    };
    with_fake!(agent: script, |agent| async move {
        let mut agent = agent;
        assert_eq!(server(ReadFile::new(&mut agent, "/f").run().await.unwrap_err()), "no such file");
        assert_eq!(server(WriteFile::new(&mut agent, "/f", &b"x"[..]).run().await.unwrap_err()), "read-only");
    });
}

/// All bytes are there by then.
#[test]
fn closing_what_was_read_is_refused() {
    let script = |fake: &Agent| {
        opens(fake, "r");
        reads(fake, piece("AAECAw==", 4, true));
        fake.refuses::<GuestFileClose>("GenericError", "no handle");
    };
    with_fake!(agent: script, |agent| async move {
        assert_eq!(ReadFile::new(agent, "/f").chunk(4).run().await.unwrap(), [0, 1, 2, 3]);
    });
}

#[test]
fn a_file_that_is_too_long() {
    let script = |fake: &Agent| {
        opens(fake, "r");
        reads(fake, piece("AAECAw==", 4, false));
        reads(fake, piece("AAECAw==", 4, true));
        closes(fake);
    };
    with_fake!(agent: script, |agent| async move {
        assert_eq!(ReadFile::new(agent, "/f").chunk(4).limit(8).run().await.unwrap().len(), 8);
    });
    with_fake!(agent: script, |agent| async move {
        let error = ReadFile::new(agent, "/f").chunk(4).limit(7).run().await.unwrap_err();
        assert!(matches!(error, FileError::TooLong { limit: 7 }), "{error}");
        assert_eq!(error.to_string(), "the file has more than 7 bytes");
    });
}

/// Fails at the second piece.
struct Broken(usize);

impl Broken {
    fn turn(&mut self) -> io::Result<usize> {
        self.0 += 1;
        if self.0 == 2 {
            Err(io::Error::other("disk full"))
        } else {
            Ok(4)
        }
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        self.turn()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer[..4].copy_from_slice(b"abcd");
        self.turn()
    }
}

#[test]
fn this_side_fails() {
    let script = |fake: &Agent| {
        opens(fake, "r");
        reads(fake, piece("AAECAw==", 4, false));
        reads(fake, piece("AAECAw==", 4, false));
        closes(fake);
        opens(fake, "w");
        writes(fake, "YWJjZA==", 4);
        closes(fake);
    };
    with_fake!(agent: script, |agent| async move {
        let mut agent = agent;
        let read = ReadFile::new(&mut agent, "/f").chunk(4).copy_to(Broken(0)).await.unwrap_err();
        let written = WriteFile::new(&mut agent, "/f", Broken(0)).chunk(4).run().await.unwrap_err();
        for error in [read, written] {
            assert!(matches!(&error, FileError::Local(error) if error.to_string() == "disk full"), "{error}");
            assert_eq!(error.to_string(), "the copy on this side: disk full");
        }
    });
}

struct Panics;

impl Read for Panics {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("in the reader")
    }
}

#[test]
fn this_side_panics() {
    let closed = Arc::new(Notify::new());
    let told = closed.clone();
    let script = move |fake: &Agent| {
        opens(fake, "w");
        let told = told.clone();
        fake.next(move |_: GuestFileClose, _| {
            told.notify_one();
            Ok(())
        });
    };
    with_fake!(agent: script, |agent| {
        let closed = closed.clone();
        async move {
            let panic = catch(WriteFile::new(agent, "/f", Panics).run()).await.unwrap_err();
            assert_eq!(*panic.downcast::<&str>().unwrap(), "in the reader");
            closed.notified().await;
        }
    });
}

#[test]
fn write_in_pieces() {
    let script = |fake: &Agent| {
        opens(fake, "w");
        writes(fake, "AAECAw==", 4);
        // The guest takes less than there is.
        writes(fake, "BAUGBw==", 1);
        writes(fake, "BQYH", 2);
        writes(fake, "Bw==", 1);
        writes(fake, "/w==", 1);
        flushes(fake);
        closes(fake);
    };
    with_fake!(agent: script, |agent| async move {
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7, 255];
        assert_eq!(WriteFile::new(agent, "/f", &bytes[..]).chunk(4).run().await.unwrap(), 9);
    });
}

#[test]
fn write_nothing_and_append() {
    let script = |fake: &Agent| {
        for mode in ["a", "r+"] {
            opens(fake, mode);
            flushes(fake);
            closes(fake);
        }
        opens(fake, "w");
        writes(fake, "YQ==", 1);
        writes(fake, "Yg==", 1);
        flushes(fake);
        closes(fake);
        opens(fake, "w");
        fake.next(|write: GuestFileWrite, _| {
            assert_eq!(write.buf_b64.len(), (256usize << 10).div_ceil(3) * 4);
            Ok(taken(256 << 10))
        });
        flushes(fake);
        closes(fake);
    };
    with_fake!(agent: script, |agent| async move {
        let mut agent = agent;
        assert_eq!(WriteFile::new(&mut agent, "/f", io::empty()).append().run().await.unwrap(), 0);
        assert_eq!(WriteFile::new(&mut agent, "/f", io::empty()).mode("r+").run().await.unwrap(), 0);
        assert_eq!(WriteFile::new(&mut agent, "/f", &b"ab"[..]).chunk(0).run().await.unwrap(), 2);
        let bytes = vec![0; 256 << 10];
        assert_eq!(WriteFile::new(&mut agent, "/f", &*bytes).run().await.unwrap(), 256 << 10);
    });
}

#[test]
fn writing_is_refused_midway() {
    let script = |fake: &Agent| {
        opens(fake, "w");
        writes(fake, "AAECAw==", 4);
        fake.refuses::<GuestFileWrite>("GenericError", "first");
        fake.refuses::<GuestFileClose>("GenericError", "second");
    };
    with_fake!(agent: script, |agent| async move {
        let written = WriteFile::new(agent, "/f", &[0, 1, 2, 3, 4][..]).chunk(4).run().await;
        assert_eq!(server(written.unwrap_err()), "first");
    });
}

#[test]
fn what_is_written_is_not_flushed_or_not_closed() {
    let script = |fake: &Agent| {
        opens(fake, "w");
        writes(fake, "AA==", 1);
        fake.refuses::<GuestFileFlush>("GenericError", "no space");
        closes(fake);
        opens(fake, "w");
        writes(fake, "AA==", 1);
        flushes(fake);
        fake.refuses::<GuestFileClose>("GenericError", "quota");
    };
    with_fake!(agent: script, |agent| async move {
        let mut agent = agent;
        for expected in ["no space", "quota"] {
            assert_eq!(server(WriteFile::new(&mut agent, "/f", &[0][..]).run().await.unwrap_err()), expected);
        }
    });
}

#[test]
fn numbers_of_written_bytes_that_cannot_be() {
    for count in [0, -1, 5] {
        let script = move |fake: &Agent| {
            opens(fake, "w");
            writes(fake, "AAECAw==", count);
            closes(fake);
        };
        with_fake!(agent: script, |agent| async move {
            let error = decode(WriteFile::new(agent, "/f", &[0, 1, 2, 3][..]).run().await.unwrap_err());
            assert!(error.starts_with("reply to guest-file-write at .count: not how many"), "{error}");
        });
    }
}

#[test]
fn the_connection_is_lost() {
    let script = |fake: &Agent| {
        opens(fake, "w");
        fake.spoils::<GuestFileWrite>(Fault::DisconnectBefore);
    };
    with_fake!(agent: script, |agent| async move {
        let written = WriteFile::new(agent, "/f", &[0][..]).run().await;
        assert!(matches!(&written, Err(FileError::Guest(error)) if error.is_disconnected()), "{written:?}");
    });
}

/// Calls have until the deadline, and closing some time more.
#[test]
fn the_deadline() {
    let opened = || Return(json!(3));
    let mut agent = Clocked::new([opened(), Silence, Return(json!({}))]);
    let read = block_on(ReadFile::new(&mut agent, "/f").deadline(Duration::from_secs(5)).run());
    assert!(matches!(&read, Err(FileError::Guest(error)) if error.is_timeout()), "{read:?}");
    assert_eq!(agent.names(), ["guest-file-open", "guest-file-read", "guest-file-close"]);
    assert_eq!(agent.calls.iter().map(|call| call.2).collect::<Vec<_>>(), [5000, 5000, 6000]);

    let taken = Return(json!({"count": 1, "eof": false}));
    let mut agent = Clocked::new([opened(), taken, Return(json!({})), Return(json!({}))]);
    block_on(WriteFile::new(&mut agent, "/f", &[0][..]).deadline(Duration::from_secs(5)).run()).unwrap();
    assert_eq!(agent.calls.iter().map(|call| call.2).collect::<Vec<_>>(), [5000, 5000, 5000, 6000]);

    // An agent that is silent is not waited for as long again.
    let mut agent = Clocked::new([opened(), Silence, Silence]);
    let written = block_on(WriteFile::new(&mut agent, "/f", &[0][..]).run());
    assert!(matches!(&written, Err(FileError::Guest(error)) if error.is_timeout()), "{written:?}");
    assert_eq!(agent.passed(), 61_000);
}
