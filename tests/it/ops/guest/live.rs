//! Operations on a real agent, which has this machine for a guest, with the methods of each client.

use crate::ops::clients::runtime;
use qemu_qmp::ops::guest::ProgramOutcome;
use std::time::Duration;
use support::qemu::Agent;
use support::PATIENCE;

/// The same scenario with each client, each time on a new agent.
macro_rules! with_each_client {
    ($name:ident, $scenario:ident) => {
        mod $name {
            use super::*;

            #[test]
            fn blocking() {
                let Some(process) = Agent::start() else { return };
                let mut agent = process.connect();
                $scenario!(agent, process);
            }

            #[test]
            fn shared() {
                let Some(process) = Agent::start() else { return };
                let agent = process.connect().share().unwrap();
                $scenario!(agent, process);
            }

            #[test]
            fn tokio() {
                let Some(process) = Agent::start() else { return };
                runtime().block_on(async {
                    let agent = process.connect_tokio().await;
                    $scenario!(agent, process, await);
                });
            }
        }
    };
}

macro_rules! run_programs {
    ($agent:ident, $process:ident $(, $await:tt)?) => {{
        let output = $agent.program("/bin/echo").arg("hello").run()$(.$await)?.unwrap().succeeded().unwrap();
        assert_eq!((&*output.stdout, &*output.stderr), (&b"hello\n"[..], &b""[..]));

        let shell = "echo out; echo error >&2; exit 3";
        let output = $agent.program("sh").args(["-c", shell]).run()$(.$await)?.unwrap().finished().unwrap();
        assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"error\n"[..]));
        assert_eq!((output.status.code(), output.status.signal()), (Some(3), None));

        let output = $agent.program("sh").args(["-c", "kill -9 $$"]).run()$(.$await)?.unwrap().finished().unwrap();
        assert_eq!((output.status.code(), output.status.signal()), (None, Some(9)));

        let all: Vec<u8> = (0..=255).collect();
        let output = $agent.program("/bin/cat").input(&all).run()$(.$await)?.unwrap().succeeded().unwrap();
        assert_eq!(output.stdout, all);

        let output = $agent.program("/usr/bin/env").env("A", "b=c").env("D", "").run()$(.$await)?.unwrap();
        assert_eq!(output.succeeded().unwrap().stdout, b"A=b=c\nD=\n");

        let output = $agent.program("/bin/echo").arg("hello").discard_output().run()$(.$await)?.unwrap();
        assert!(output.succeeded().unwrap().stdout.is_empty());

        // Agents since QEMU 8.1.
        let shell = "echo out; echo error >&2";
        match $agent.program("sh").args(["-c", shell]).merged().run()$(.$await)? {
            Ok(outcome) => assert_eq!(outcome.succeeded().unwrap().stdout, b"out\nerror\n"),
            Err(error) => assert!(error.server_error().unwrap().desc.contains("capture-output"), "{error}"),
        }
        assert!($agent.program("/nowhere/at/all").run()$(.$await)?.unwrap_err().is_server());
    }};
}

/// A program that is not over by the deadline, ends because of another one, and is forgotten then.
macro_rules! leave_a_program {
    ($agent:ident, $process:ident $(, $await:tt)?) => {{
        let shell = "echo $$; exec sleep 1000";
        let outcome = $agent.program("sh").args(["-c", shell]).deadline(Duration::ZERO).run()$(.$await)?.unwrap();
        let ProgramOutcome::StillRunning { pid } = outcome else { panic!("{outcome}") };
        let kill = $agent.program("kill").arg(pid.to_string()).run()$(.$await)?;
        kill.unwrap().succeeded().unwrap();
        let output = $agent.running_program(pid).deadline(PATIENCE).run()$(.$await)?.unwrap().finished().unwrap();
        assert_eq!(output.status.signal(), Some(15));
        // It was killed before it began, perhaps.
        assert!(output.stdout.is_empty() || output.stdout == format!("{pid}\n").as_bytes());
        let outcome = $agent.running_program(pid).run()$(.$await)?.unwrap();
        assert!(matches!(outcome, ProgramOutcome::Forgotten { .. }), "{outcome}");
    }};
}

macro_rules! copy_files {
    ($agent:ident, $process:ident $(, $await:tt)?) => {{
        let path = $process.folder().join("file").display().to_string();
        let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_ne_bytes).collect();
        assert_eq!($agent.write_file(&path, &bytes).run()$(.$await)?.unwrap(), 400_000);
        assert!(std::fs::read(&path).unwrap() == bytes);
        assert!($agent.read_file(&path).run()$(.$await)?.unwrap() == bytes);
        for chunk in [100_000, 399_999, 400_000, 400_001] {
            let mut copy = Vec::new();
            assert_eq!($agent.read_file(&path).chunk(chunk).copy_to(&mut copy)$(.$await)?.unwrap(), 400_000);
            assert!(copy == bytes, "in pieces of {chunk}");
        }
        assert!($agent.read_file(&path).limit(399_999).run()$(.$await)?.is_err());

        let more = std::io::Cursor::new(b"more");
        assert_eq!($agent.write_file_from(&path, more).append().chunk(3).run()$(.$await)?.unwrap(), 4);
        assert!($agent.read_file(&path).run()$(.$await)?.unwrap().ends_with(b"more"));

        assert_eq!($agent.write_file(&path, "").run()$(.$await)?.unwrap(), 0);
        assert!(std::fs::read(&path).unwrap().is_empty());
        assert!($agent.read_file(&path).run()$(.$await)?.unwrap().is_empty());
        let error = $agent.read_file("/nowhere/at/all").run()$(.$await)?.unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
        // No space there.
        assert!($agent.write_file("/dev/full", "x").run()$(.$await)?.is_err());
        $agent.wait_until_up().run()$(.$await)?.unwrap();
    }};
}

with_each_client!(programs, run_programs);
with_each_client!(left, leave_a_program);
with_each_client!(files, copy_files);

#[test]
fn an_agent_that_was_started_anew() {
    let Some(mut process) = Agent::start() else { return };
    let pid = process.connect().program("sleep").arg("1000").start().unwrap();
    process.restart();
    let mut agent = process.connect();
    let outcome = agent.running_program(pid).run().unwrap();
    let kill = agent.program("kill").arg(pid.to_string()).run();
    kill.unwrap().succeeded().unwrap();
    assert!(matches!(outcome, ProgramOutcome::Forgotten { .. }), "{outcome}");
}
