//! Clients that come by way of a socket, one after the other.

use qemu_qmp::fake::{filled, Fake};
use qemu_qmp::qmp::{commands::*, events::*};
use qemu_qmp::{Client, QemuMonitorProtocol};
use support::programs::Folder;
use support::{options, PATIENCE, SOON};

#[test]
fn a_busy_monitor_greets_nobody_else() {
    let (fake, folder) = (Fake::new(), Folder::new());
    fake.listen_unix(folder.socket()).unwrap();
    let mut first = Client::connect_with(folder.socket(), &options()).unwrap();
    let second = Client::connect_with(folder.socket(), &options().greeting_timeout(SOON));
    assert!(second.unwrap_err().is_timeout());
    first.execute(QueryStatus::new()).unwrap();
    drop(first);
    let mut third = Client::connect_with(folder.socket(), &options()).unwrap();
    third.execute(QueryStatus::new()).unwrap();
    assert_eq!(fake.calls().len(), 2);
}

#[test]
fn a_program_connects_again_to_one_that_crashed() {
    let (fake, folder) = (Fake::new(), Folder::new());
    fake.listen_unix(folder.socket()).unwrap();
    let mut vm = Client::connect_with(folder.socket(), &options()).unwrap();
    fake.disconnect();
    assert!(vm.execute(QueryStatus::new()).unwrap_err().is_disconnected());
    let mut vm = Client::connect_with(folder.socket(), &options()).unwrap();
    vm.execute(QueryStatus::new()).unwrap();
    drop(fake);
    assert!(vm.execute(QueryStatus::new()).unwrap_err().is_disconnected());
    assert!(!folder.socket().exists());
}

#[test]
fn it_listens_at_a_port() {
    let fake = Fake::new();
    let address = fake.listen_tcp(("127.0.0.1", 0)).unwrap();
    let mut vm = Client::connect_with(address.to_string().parse::<qemu_qmp::Address>().unwrap(), &options()).unwrap();
    vm.execute(QueryStatus::new()).unwrap();
    drop(fake);
    assert!(vm.execute(QueryStatus::new()).unwrap_err().is_disconnected());
}

#[test]
fn events_reach_all_monitors() {
    let (fake, folder) = (Fake::new(), Folder::new());
    fake.listen_unix(folder.socket()).unwrap();
    let mut listening = Client::connect_with(folder.socket(), &options()).unwrap();
    let mut in_memory = fake.client().unwrap();
    fake.emit(&filled(|balloon: &mut BalloonChange| balloon.actual = 7));
    for vm in [&mut listening, &mut in_memory] {
        assert_eq!(vm.wait_for(PATIENCE, |_: &BalloonChange| true).unwrap().data.actual, 7);
    }
}

/// More than a socket holds: who emits does not wait for who reads.
#[test]
fn a_flood_of_events_waits_for_its_reader() {
    let fake = Fake::new();
    let mut vm = fake.client().unwrap();
    for actual in 0..10_000 {
        fake.emit(&filled(|balloon: &mut BalloonChange| balloon.actual = actual));
    }
    for actual in 0..10_000 {
        assert_eq!(vm.wait_for(PATIENCE, |_: &BalloonChange| true).unwrap().data.actual, actual);
    }
}

#[test]
fn the_original_class_works_too() {
    let (fake, folder) = (Fake::new(), Folder::new());
    fake.listen_unix(folder.socket()).unwrap();
    let mut vm = QemuMonitorProtocol::new(folder.socket());
    vm.connect().unwrap();
    let reply = vm.cmd("query-version", None, None).unwrap();
    assert!(reply.error().is_none());
}
