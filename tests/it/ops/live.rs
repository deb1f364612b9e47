//! Operations on a real QEMU, in each client.

use super::clients::{on_each_client, runtime, Awaitable};
use qemu_qmp::ops::jobs::{
    AtReady, CancelledBy, CloseImage, CreateImage, ExistingJob, ImageFormat, Job, JobOutcome, OnStop,
};
use qemu_qmp::ops::power::QuitOutcome;
use qemu_qmp::ops::Connection;
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::Client;
use std::path::Path;
use support::qemu::{Daemon, Qemu};

mod on_qemu {
    use super::*;
    on_each_client!(
        Qemu::start,
        lend,
        [images_and_backups, mirrors, errors_and_cancels, transactions],
        |_: &mut Client| {}
    );
}

const SIZE: u64 = 4 << 20;

async fn run<K: Connection>(vm: &mut K, command: impl qemu_qmp::CommandFor<K::Peer>) {
    vm.execute(command, None).await.unwrap();
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

async fn images_and_backups(vm: &mut impl Awaitable, qemu: &Qemu) {
    let folder = qemu.folder();
    let base = CreateImage::new(&mut *vm, path(folder, "base"), ImageFormat::Raw, SIZE).node_name("base").run();
    let base = base.await.unwrap();
    let qcow2 = ImageFormat::Qcow2(|options| options.cluster_size(65536));
    let top = CreateImage::new(&mut *vm, path(folder, "top"), qcow2, SIZE)
        .backing_file(path(folder, "base"), BlockdevDriver::Raw)
        .backing_node("base")
        .run();
    let top = top.await.unwrap();
    let copy = CreateImage::new(&mut *vm, path(folder, "copy"), ImageFormat::qcow2(), SIZE).node_name("copy").run();
    let copy = copy.await.unwrap();

    let mut told = Vec::new();
    let backup = BlockdevBackup::new(&top.node_name, MirrorSyncMode::Full, "copy");
    let outcome = Job::new(&mut *vm, backup).progress(|at| told.push(at.clone())).run().await.unwrap();
    assert_eq!(outcome, JobOutcome::Completed);
    let last = told.last().unwrap();
    assert_eq!((last.current, last.status.clone(), last.fraction()), (SIZE, JobStatus::Concluded, 1.0));
    assert!(vm.execute(QueryJobs::new(), None).await.unwrap().reply.is_empty());

    // The same id again, as often as one likes.
    for _ in 0..3 {
        let again = BlockdevBackup::new(&top.node_name, MirrorSyncMode::Full, "copy").job_id("again");
        assert_eq!(Job::new(&mut *vm, again).run().await.unwrap(), JobOutcome::Completed);
    }
    let refused = BlockdevBackup::new("none", MirrorSyncMode::Full, "copy");
    assert!(Job::new(&mut *vm, refused).run().await.unwrap_err().is_server());

    let stream = BlockStream::new(&top.node_name);
    assert_eq!(Job::new(&mut *vm, stream).run().await.unwrap(), JobOutcome::Completed);
    for image in [copy, top, base] {
        CloseImage::new(&mut *vm, image).run().await.unwrap();
    }
    let failed = CreateImage::new(&mut *vm, path(folder, "none/image"), ImageFormat::Raw, SIZE).run().await;
    assert!(failed.unwrap_err().to_string().contains("No such file"));
    assert!(vm.execute(QueryNamedBlockNodes::new().flat(true), None).await.unwrap().reply.is_empty());
}

async fn mirrors(vm: &mut impl Awaitable, qemu: &Qemu) {
    let folder = qemu.folder();
    for name in ["source", "target"] {
        let image = CreateImage::new(&mut *vm, path(folder, name), ImageFormat::qcow2(), SIZE).node_name(name).run();
        image.await.unwrap();
    }
    let mirror = || BlockdevMirror::new("source", "target", MirrorSyncMode::Full);
    let job = Job::new(&mut *vm, mirror()).at_ready(AtReady::Stop).run();
    assert_eq!(job.await.unwrap(), JobOutcome::Completed);
    let job = Job::new(&mut *vm, mirror().job_id("left")).at_ready(AtReady::Leave).run();
    assert_eq!(job.await.unwrap(), JobOutcome::Ready);
    let mut job = Job::new(&mut *vm, ExistingJob::new("left")).take_over();
    assert_eq!(job.info().await.unwrap().unwrap().status, JobStatus::Ready);
    job.pause().await.unwrap();
    assert!(job.pause().await.unwrap_err().is_server());
    job.set_speed(1 << 30).await.unwrap();
    job.resume().await.unwrap();
    assert_eq!(job.until_ready().await.unwrap(), JobOutcome::Ready);
    assert_eq!(job.cancel().await.unwrap(), JobOutcome::Cancelled(CancelledBy::ThisProgram));
    assert!(job.info().await.unwrap().is_none());

    let mut job = Job::new(&mut *vm, mirror().auto_finalize(false)).start().await.unwrap();
    assert_eq!(job.until_ready().await.unwrap(), JobOutcome::Ready);
    assert_eq!(job.complete().await.unwrap(), JobOutcome::Pending);
    assert_eq!(job.finalize().await.unwrap(), JobOutcome::Completed);
    let job = Job::new(&mut *vm, mirror()).run();
    assert_eq!(job.await.unwrap(), JobOutcome::Completed);
}

async fn errors_and_cancels(vm: &mut impl Awaitable, qemu: &Qemu) {
    let folder = qemu.folder();
    std::fs::write(folder.join("bad"), vec![1; SIZE as usize]).unwrap();
    let bad = BlockdevOptions::file(BlockdevOptionsFile::new(path(folder, "bad"))).node_name("bad");
    run(vm, BlockdevAdd::from(bad)).await;
    let inject = |once| {
        let inject =
            BlkdebugInjectErrorOptions::new(BlkdebugEvent::None).iotype(BlkdebugIOType::Read).errno(5).once(once);
        BlockdevOptionsBlkdebug::new("bad").inject_error([inject])
    };
    CreateImage::new(&mut *vm, path(folder, "copy"), ImageFormat::Raw, SIZE).node_name("copy").run().await.unwrap();

    run(vm, BlockdevAdd::from(BlockdevOptions::blkdebug(inject(false)).node_name("failing"))).await;
    let backup = |node: &str| BlockdevBackup::new(node, MirrorSyncMode::Full, "copy");
    let outcome = Job::new(&mut *vm, backup("failing")).run().await.unwrap();
    let JobOutcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.error, "Input/output error");
    assert_eq!(failure.io_error.unwrap().operation, Some(IoOperationType::Read));

    let stopping = || backup("failing").on_source_error(BlockdevOnError::Stop).job_id("stopping");
    let outcome = Job::new(&mut *vm, stopping()).run().await.unwrap();
    let JobOutcome::Stopped(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.operation, error.no_space), (Some(IoOperationType::Read), false));
    let mut left = Job::new(&mut *vm, ExistingJob::new("stopping")).take_over();
    assert!(matches!(left.wait().await.unwrap(), JobOutcome::Stopped(_)));
    left.resume().await.unwrap();
    assert!(matches!(left.wait().await.unwrap(), JobOutcome::Stopped(_)));
    assert_eq!(left.cancel().await.unwrap(), JobOutcome::Cancelled(CancelledBy::ThisProgram));
    let mut resumed = 0;
    let decide = |_: &_| {
        resumed += 1;
        if resumed < 3 {
            OnStop::Resume
        } else {
            OnStop::Cancel
        }
    };
    let outcome = Job::new(&mut *vm, stopping()).on_stop(decide).run().await.unwrap();
    assert_eq!((outcome, resumed), (JobOutcome::Cancelled(CancelledBy::ThisProgram), 3));

    run(vm, BlockdevAdd::from(BlockdevOptions::blkdebug(inject(true)).node_name("once"))).await;
    let once = backup("once").on_source_error(BlockdevOnError::Stop);
    let outcome = Job::new(&mut *vm, once).on_stop(|_| OnStop::Resume).run().await.unwrap();
    assert_eq!(outcome, JobOutcome::Completed);

    // A job that is slow, and one that another client cancels.
    let slow = || backup("bad").speed(65536).job_id("slow");
    let late = std::time::Duration::from_millis(50);
    let outcome = Job::new(&mut *vm, slow()).deadline(late).cancel_at_deadline().run().await.unwrap();
    assert_eq!(outcome, JobOutcome::Cancelled(CancelledBy::Deadline));
    let outcome = Job::new(&mut *vm, slow()).deadline(late).run().await.unwrap();
    assert_eq!(outcome, JobOutcome::TimedOut);
    run(vm, BlockJobCancel::new("slow").force(true)).await;
    let outcome = Job::new(&mut *vm, ExistingJob::new("slow")).run().await.unwrap();
    assert_eq!(outcome, JobOutcome::Cancelled(CancelledBy::SomebodyElse));
    let outcome = Job::new(&mut *vm, ExistingJob::new("slow")).run().await.unwrap();
    assert_eq!(outcome, JobOutcome::Unknown);
}

/// The storage daemon has jobs and images as well, as programs write them.
#[test]
fn on_a_storage_daemon() {
    let Some(daemon) = Daemon::start() else { return };
    let mut client = daemon.connect();
    let path = |name| path(daemon.folder(), name);
    for name in ["source", "copy"] {
        client.create_image(path(name), ImageFormat::qcow2(), SIZE).node_name(name).run().unwrap();
    }
    let backup = BlockdevBackup::new("source", MirrorSyncMode::Full, "copy");
    client.job(backup).run().unwrap().completed().unwrap();
    let mirror = BlockdevMirror::new("source", "copy", MirrorSyncMode::Full);
    let mut mirror = client.job(mirror).start().unwrap();
    assert_eq!(mirror.until_ready().unwrap(), JobOutcome::Ready);
    assert_eq!(mirror.cancel().unwrap(), JobOutcome::Cancelled(CancelledBy::ThisProgram));
    drop(mirror);
    assert_eq!(client.quit().run().unwrap(), QuitOutcome::Gone);
}

/// An operation can run in a task of its own.
#[test]
fn in_a_task() {
    let Some(qemu) = Qemu::start() else { return };
    let path = path(qemu.folder(), "image");
    runtime().block_on(async {
        let vm = qemu.connect_tokio().await;
        let images = tokio::spawn(async move {
            let image = vm.create_image(path, ImageFormat::Raw, SIZE).node_name("image").run().await.unwrap();
            let mut told = 0;
            let commit = BlockStream::new("image");
            let outcome = vm.job(commit).progress(|_| told += 1).run().await;
            assert!(outcome.is_err() || told > 0);
            vm.close_image(image).run().await
        });
        images.await.unwrap().unwrap();
    });
}

async fn transactions(vm: &mut impl Awaitable, qemu: &Qemu) {
    let folder = qemu.folder();
    // Two backups of one node at a time end QEMU 11.1.
    for name in ["data", "more"] {
        std::fs::write(folder.join(name), vec![1; SIZE as usize]).unwrap();
        let data = BlockdevOptions::file(BlockdevOptionsFile::new(path(folder, name))).node_name(name);
        run(vm, BlockdevAdd::from(data)).await;
    }
    for name in ["one", "two"] {
        CreateImage::new(&mut *vm, path(folder, name), ImageFormat::Raw, SIZE).node_name(name).run().await.unwrap();
    }
    let backup = |source: &str, target: &str| {
        TransactionAction::blockdev_backup(BlockdevBackup::new(source, MirrorSyncMode::Full, target).job_id(target))
    };
    let bitmap = BlockDirtyBitmapAdd::new("data", "since");
    let transaction = Transaction::new([
        backup("data", "one"),
        TransactionAction::block_dirty_bitmap_add(bitmap),
        backup("more", "two"),
    ]);
    let outcomes = Job::new(&mut *vm, transaction).run().await.unwrap();
    let completed = |id: &str| (id.to_owned(), JobOutcome::Completed);
    assert_eq!(outcomes, [completed("one"), completed("two")]);

    let inject = BlkdebugInjectErrorOptions::new(BlkdebugEvent::None).iotype(BlkdebugIOType::Write).errno(28);
    let full = BlockdevOptionsBlkdebug::new("two").inject_error([inject]);
    run(vm, BlockdevAdd::from(BlockdevOptions::blkdebug(full).node_name("full"))).await;
    let grouped = TransactionProperties::new().completion_mode(ActionCompletionMode::Grouped);
    let slow = BlockdevBackup::new("data", MirrorSyncMode::Full, "one").job_id("slow").speed(65536);
    let transaction =
        Transaction::new([TransactionAction::blockdev_backup(slow), backup("more", "full")]).properties(grouped);
    let outcomes = Job::new(&mut *vm, transaction).run().await.unwrap();
    let [(_, slow), (_, full)] = &*outcomes else { panic!("{outcomes:?}") };
    assert_eq!(*slow, JobOutcome::Cancelled(CancelledBy::SomebodyElse));
    let JobOutcome::Failed(failure) = full else { panic!("{full:?}") };
    assert_eq!(failure.error, "No space left on device");
}
