//! The clients that are compared, each as its documentation shows.

use crate::timed;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub fn bare(path: &Path, calls: u32) -> Duration {
    let stream = UnixStream::connect(path).unwrap();
    let (mut reader, mut writer) = (BufReader::new(&stream), &stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut call = |request: &[u8]| {
        writer.write_all(request).unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
    };
    call(b"{\"execute\": \"qmp_capabilities\"}\n");
    timed(|| (0..calls).for_each(|_| call(b"{\"execute\": \"query-status\", \"id\": \"1\"}\n")))
}

pub fn blocking(path: &Path, calls: u32) -> Duration {
    use qemu_qmp::qmp::commands::QueryStatus;
    let mut vm = qemu_qmp::Client::connect_unix(path).unwrap();
    timed(|| {
        for _ in 0..calls {
            assert!(!vm.execute(QueryStatus::new()).unwrap().running);
        }
    })
}

pub fn peer_blocking(path: &Path, calls: u32) -> Duration {
    let stream = UnixStream::connect(path).unwrap();
    let mut vm = qapi::Qmp::from_stream(&stream);
    vm.handshake().unwrap();
    timed(|| {
        for _ in 0..calls {
            assert!(!vm.execute(&qapi::qmp::query_status {}).unwrap().running);
        }
    })
}

pub fn tokio(path: &Path, tasks: u32, calls: u32) -> Duration {
    use qemu_qmp::qmp::commands::QueryStatus;
    runtime().block_on(async {
        let vm = qemu_qmp::tokio::Client::connect_unix(path).await.unwrap();
        timed_tasks(tasks, || {
            let vm = vm.clone();
            async move {
                for _ in 0..calls / tasks {
                    assert!(!vm.execute(QueryStatus::new()).await.unwrap().running);
                }
            }
        })
        .await
    })
}

pub fn peer_tokio(path: &Path, tasks: u32, calls: u32) -> Duration {
    runtime().block_on(async {
        let negotiation = qapi::futures::QmpStreamTokio::open_uds(path).await.unwrap();
        let (vm, _) = negotiation.negotiate().await.unwrap().spawn_tokio();
        let vm = Arc::new(vm);
        timed_tasks(tasks, || {
            let vm = vm.clone();
            async move {
                for _ in 0..calls / tasks {
                    assert!(!vm.execute(qapi::qmp::query_status {}).await.unwrap().running);
                }
            }
        })
        .await
    })
}

/// One thread, so that it is the client that is measured, and not the scheduler.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// How long so many tasks take, all at a time.
async fn timed_tasks<F: std::future::Future<Output = ()> + Send + 'static>(
    tasks: u32,
    task: impl Fn() -> F,
) -> Duration {
    let start = std::time::Instant::now();
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task())).collect();
    for task in tasks {
        task.await.unwrap();
    }
    start.elapsed()
}
