//! What the tokio client tells `tracing`: a span for each call from its first poll to its end, whatever the end, an event
//! for each message, and no secret.

use qemu_qmp::qmp::{commands::*, types::*};
use serde_json::json;
use support::tokio::*;
use support::trace::Trace;
use tracing::level_filters::LevelFilter;

const SECRET: &str = "hunter2";

#[tokio::test]
async fn each_call_has_a_span() {
    let trace = Trace::new(LevelFilter::DEBUG);
    let (vm, script) = client(|mut peer| async move {
        let mut ids = Vec::new();
        for name in [STATUS, "stop", "cont", "migrate-pause", STATUS] {
            ids.push(peer.answer(name, paused()).await["id"].to_string());
        }
        ids
    })
    .await;
    let _listening = trace.listen();
    vm.execute(QueryStatus::new()).await.unwrap();
    vm.cmd("stop", None, Some(json!("mine"))).await.unwrap();
    vm.cmd_obj(json!({"execute": "cont"}).as_object().unwrap().clone()).await.unwrap();
    vm.execute_oob(MigratePause::new()).await.unwrap();
    vm.within(PATIENCE).execute(QueryStatus::new()).await.unwrap();
    assert_eq!(trace.each("command"), [STATUS, "stop", "cont", "migrate-pause", STATUS]);
    assert_eq!(trace.each("id"), script.await.unwrap());
    assert!(trace.each("outcome").iter().all(|outcome| outcome == "ok"));
    assert_eq!(trace.messages(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn spans_tell_how_a_call_ended() {
    let trace = Trace::new(LevelFilter::DEBUG);
    let (vm, script) = client(|mut peer| async move {
        let command = peer.expect("stop").await;
        peer.error(&command, "DeviceNotFound", "no").await;
        peer.expect("cont").await;
        peer.line("what?").await;
        peer.expect("stop").await;
        peer.expect("stop").await;
        peer.end().await;
    })
    .await;
    let _listening = trace.listen();
    assert!(vm.execute(Stop::new()).await.unwrap_err().is_server());
    assert!(vm.execute(Cont::new()).await.unwrap_err().is_malformed());
    assert!(vm.within(SOON).execute(Stop::new()).await.unwrap_err().is_timeout());
    assert!(vm.execute(Stop::new()).await.unwrap_err().is_closed());
    assert!(vm.execute(Stop::new()).await.unwrap_err().is_closed());
    assert_eq!(trace.each("outcome"), ["DeviceNotFound", "malformed", "timeout", "gone", "gone"]);
    script.await.unwrap();
}

#[tokio::test]
async fn dropped_call_is_cancelled_and_its_span_closed() {
    let trace = Trace::new(LevelFilter::DEBUG);
    let (vm, script) = client(|mut peer| async move {
        let command = peer.expect("stop").await;
        peer.answer("cont", json!({})).await;
        peer.reply(&command, json!({})).await;
    })
    .await;
    let _listening = trace.listen();
    drop(vm.execute(QueryName::new()));
    assert_eq!(trace.told().spans.len(), 0, "nothing was called");
    assert!(drop_after(3, vm.execute(Stop::new())).await.is_none());
    assert_eq!((trace.each("command"), trace.each("outcome")), (vec!["stop".into()], vec!["cancelled".into()]));
    vm.execute(Cont::new()).await.unwrap();
    assert_eq!(trace.each("outcome"), ["cancelled", "ok"]);
    script.await.unwrap();
}

#[tokio::test]
async fn aborted_task_cancels_its_call() {
    let trace = Trace::new(LevelFilter::DEBUG);
    let (vm, script) = client(|mut peer| async move {
        peer.expect("stop").await;
        peer
    })
    .await;
    let _listening = trace.listen();
    let task = tokio::spawn(async move { vm.execute(Stop::new()).await });
    let _peer = script.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(trace.each("outcome"), ["cancelled"]);
}

#[tokio::test]
async fn calls_of_many_tasks_keep_to_their_spans() {
    const CALLS: usize = 50;
    let trace = Trace::new(LevelFilter::TRACE);
    let (vm, script) = client(|mut peer| async move {
        for _ in 0..CALLS {
            let command = peer.next_command().await.unwrap();
            peer.event("STOP").await;
            peer.reply(&command, json!({})).await;
        }
    })
    .await;
    let _listening = trace.listen();
    let call = |number: usize| {
        let vm = vm.clone();
        async move { vm.cmd(&format!("x-{number}"), None, Some(json!(number))).await.unwrap() }
    };
    let tasks: Vec<_> = (0..CALLS).map(|number| tokio::spawn(call(number))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    script.await.unwrap();
    let ids = trace.each("id");
    assert_eq!(ids.len(), CALLS);
    assert_eq!(trace.each("command"), ids.iter().map(|id| format!("x-{id}")).collect::<Vec<_>>());
    assert!(trace.each("outcome").iter().all(|outcome| outcome == "ok"));
    assert_eq!(trace.messages().len(), 3 * CALLS);
}

#[tokio::test]
async fn secrets_are_nowhere() {
    let trace = Trace::new(LevelFilter::TRACE);
    let _listening = trace.listen();
    let (vm, script) = client(|mut peer| async move {
        peer.answer("object-add", json!({})).await;
        let command = peer.expect("change-vnc-password").await;
        peer.error(&command, "GenericError", "hunter2 is no good password").await;
        let command = peer.expect("human-monitor-command").await;
        // Nobody waits for it any more when it comes.
        peer.answer(STATUS, paused()).await;
        peer.reply(&command, json!("password hunter2")).await;
        peer.answer("query-name", json!({"name": "shown"})).await;
        peer.line("hunter2").await;
        peer.raw(b"{\"return\": \"hunter2").await;
        peer.end().await;
    })
    .await;
    vm.execute(ObjectAdd::from(ObjectOptions::secret("s0", SecretProperties::new().data(SECRET)))).await.unwrap();
    let refused = vm.execute(ChangeVncPassword::new(SECRET)).await.unwrap_err();
    assert!(!refused.to_string().contains(SECRET) && refused.server_error().unwrap().desc.contains(SECRET));
    let login = HumanMonitorCommand::new("change vnc password hunter2");
    assert!(drop_after(3, vm.execute(login)).await.is_none());
    vm.execute(QueryStatus::new()).await.unwrap();
    vm.execute(QueryName::new()).await.unwrap();
    vm.closed().await;
    script.await.unwrap();
    let told = format!("{:?}", trace.told());
    assert!(!told.contains(SECRET), "{told}");
    assert_eq!(told.matches("shown").count(), 1, "{told}");
    assert_eq!(told.matches("malformed").count(), 2, "{told}");
    assert_eq!(trace.each("outcome"), ["ok", "GenericError", "cancelled", "ok", "ok"]);
}
