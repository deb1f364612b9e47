//! The clients that are compared, each as its documentation shows.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// What a task that has the socket takes at least: channels, a deadline for each call, and bytes that nobody looks at.
pub fn bare_tokio(path: &Path, calls: u32) -> Duration {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
    runtime().block_on(async {
        let mut stream = tokio::io::BufReader::new(tokio::net::UnixStream::connect(path).await.unwrap());
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            stream.read_line(&mut String::new()).await.unwrap();
            stream.write_all(b"{\"execute\": \"qmp_capabilities\"}\n").await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
            while let Some(answer) = receiver.recv().await {
                stream.write_all(b"{\"execute\": \"query-status\", \"id\": \"1\"}\n").await.unwrap();
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let _: Result<(), String> = tokio::sync::oneshot::Sender::send(answer, line);
            }
        });
        timed_tasks(1, || {
            let sender = sender.clone();
            async move {
                for _ in 0..calls {
                    let (answer, reply) = tokio::sync::oneshot::channel();
                    sender.send(answer).unwrap();
                    tokio::time::timeout(Duration::from_secs(30), reply).await.unwrap().unwrap();
                }
            }
        })
        .await
    })
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

/// All threads make calls at a time.
pub fn shared(path: &Path, threads: u32, calls: u32) -> Duration {
    use qemu_qmp::qmp::commands::QueryStatus;
    let vm = qemu_qmp::Client::connect_unix(path).unwrap().share().unwrap();
    timed(|| {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..calls / threads {
                        assert!(!vm.execute(QueryStatus::new()).unwrap().running);
                    }
                });
            }
        });
    })
}

pub fn qapi_blocking(path: &Path, calls: u32) -> Duration {
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

pub fn qapi_tokio(path: &Path, tasks: u32, calls: u32) -> Duration {
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

pub fn qmp(path: &Path, tasks: u32, calls: u32) -> Duration {
    runtime().block_on(async {
        let vm = qmp::Client::connect(qmp::Endpoint::unix(path)).await.unwrap();
        timed_tasks(tasks, || {
            let vm = vm.clone();
            async move {
                for _ in 0..calls / tasks {
                    let status: serde_json::Value = vm.execute("query-status", None::<()>).await.unwrap();
                    assert_eq!(status["running"], false);
                }
            }
        })
        .await
    })
}

/// QEMU's own client, if Python has it.
pub fn qemu_qmp(path: &Path, calls: u32) -> Duration {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/qemu_qmp.py");
    let output = std::process::Command::new("python3").arg(script).arg(path).arg(calls.to_string()).output().unwrap();
    let seconds = String::from_utf8_lossy(&output.stdout).trim().parse();
    Duration::from_secs_f64(seconds.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

pub fn has_qemu_qmp() -> bool {
    let output = std::process::Command::new("python3").args(["-c", "import qemu.qmp"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// One thread, so that it is the client that is measured, and not the scheduler.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// How long so many tasks take, all at a time.
async fn timed_tasks<F: std::future::Future<Output = ()> + Send + 'static>(
    tasks: u32,
    task: impl Fn() -> F,
) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task())).collect();
    for task in tasks {
        task.await.unwrap();
    }
    start.elapsed()
}

/// How long something takes.
fn timed(what: impl FnOnce()) -> Duration {
    let start = Instant::now();
    what();
    start.elapsed()
}
