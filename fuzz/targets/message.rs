//! Any bytes are a message or a fault, and of a line that is JSON the envelope is what `serde_json` finds. What is taken for a message
//! though it is no JSON has somebody to find that out: the decoder of its payload.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qemu_qmp::error::Malformed;
use qemu_qmp::message::Message;
use qemu_qmp::qmp::events::AnyEvent;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::Value;
use std::collections::BTreeMap;

fuzz_target!(|line: &[u8]| {
    let message = Message::parse(line);
    let fault = message.as_ref().err().map(|line| line.kind());
    match &message {
        Ok(Message::Reply(reply)) => drop((reply.decode_as::<Value>("x"), reply.to_object(), format!("{reply:?}"))),
        Ok(Message::Event(event)) => drop((event.decode_as::<AnyEvent>(), format!("{event:?}"))),
        Ok(_) => {}
        Err(line) => drop((format!("{line}"), format!("{line:?}"))),
    }
    let Ok(text) = std::str::from_utf8(line) else {
        assert_eq!(fault, Some(Malformed::NotUtf8));
        return;
    };
    let text = text.trim_ascii();
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        match &message {
            Ok(Message::Reply(reply)) => assert!(reply.id().is_some()),
            Ok(_) => {}
            Err(line) => assert_eq!(line.kind(), Malformed::NotJson),
        }
        return;
    }
    if !text.starts_with('{') {
        assert_eq!(fault, Some(Malformed::NotQmp));
        return;
    }
    // Fails if a name has half a surrogate pair.
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else { return };
    let member = |name: &str| members.get(name).map(|value| value.get());
    let kinds = ["QMP", "return", "error", "event"].map(member);
    match (message, kinds) {
        (Ok(Message::Greeting(_)), [Some(_), None, None, None]) => {}
        (Ok(Message::Reply(reply)), [None, Some(value), None, None]) => {
            assert_eq!((reply.result(), reply.id(), reply.as_json()), (Ok(value), member("id"), text));
        }
        (Ok(Message::Reply(reply)), [None, None, Some(_), None]) => {
            assert!(reply.error().is_some());
            assert_eq!((reply.id(), reply.as_json()), (member("id"), text));
        }
        (Ok(Message::Event(event)), [None, None, None, Some(name)]) => {
            assert_eq!(serde_json::from_str::<String>(name).ok().as_deref(), Some(&*event.name));
            assert_eq!(event.data.as_deref(), member("data"));
        }
        (Err(line), kinds) => match line.kind() {
            Malformed::Echo => assert!(member("execute").or(member("exec-oob")).is_some()),
            Malformed::NotQmp => match kinds {
                [None, None, None, Some(name)] => assert!(serde_json::from_str::<String>(name).is_err()),
                [None, Some(_), None, None] | [None, None, Some(_), None] => panic!("{text} is a reply"),
                _ => {}
            },
            _ => panic!("{text} is JSON"),
        },
        (Ok(message), _) => panic!("{text} is not {message:?}"),
    }
});
