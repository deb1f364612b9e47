//! The enum of all events: it takes every event, known or not, fitting or not, and gives back what it took.

use crate::bad_values::bad_values_of_parts;
use crate::text::same;
use crate::world::{Kind, Shape, World};
use qemu_qmp::qmp::events::AnyEvent;
use qemu_qmp::EventSet;
use serde_json::{json, Value};
use std::collections::HashSet;

fn decode(name: &str, data: &Value) -> AnyEvent {
    AnyEvent::decode(name, Some(&data.to_string()))
}

/// As data an event is what QEMU sends, and what is read from it is the same.
fn stays_as_data(event: AnyEvent) {
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(json["event"], event.name());
    assert_eq!(json.get("data").cloned().unwrap_or(json!({})), event.data());
    assert_eq!(serde_json::from_value::<AnyEvent>(json).unwrap(), event);
}

#[test]
fn known_events_are_told_apart() {
    let world = World::vendored("qmp");
    let mut kinds = Vec::new();
    for (index, data) in world.all_cases() {
        let message = &world.messages[index];
        if message.kind == Kind::Event {
            let event = decode(&message.name, &data);
            assert!(!matches!(event, AnyEvent::Unrecognized(_) | AnyEvent::Undecodable(_)), "{data} of {event:?}");
            assert_eq!(event.name(), message.name);
            assert!(same(&event.data(), &data), "{data} of {event:?}");
            kinds.push(std::mem::discriminant(&event));
            stays_as_data(event);
        }
    }
    let different: HashSet<_> = kinds.into_iter().collect();
    assert_eq!(different.len(), world.schema.events.len());
}

#[test]
fn events_that_do_not_fit_are_kept() {
    let world = World::vendored("qmp");
    let mut bad_values = 0;
    for message in &world.messages {
        let (Kind::Event, Shape::Members(parts)) = (message.kind, &message.shape) else { continue };
        for bad in bad_values_of_parts(&Value::Object(world.minimal_parts(parts)), parts) {
            let AnyEvent::Undecodable(event) = decode(&message.name, &bad.value) else {
                panic!("{} of {}", bad.value, message.name)
            };
            assert_eq!((&*event.name, &*event.path), (&*message.name, &*bad.path));
            assert!(event.reason.starts_with(&bad.reason), "{event}");
            assert_eq!(*event.text, bad.value.to_string());
            assert_eq!(event.data(), bad.value);
            stays_as_data(AnyEvent::Undecodable(event));
            bad_values += 1;
        }
    }
    assert!(bad_values > 100);
}

#[test]
fn unheard_events_are_kept() {
    for data in [json!({}), json!({"a": [u64::MAX, null, 0.1]}), json!(["x"]), json!(null)] {
        let event = decode("X_LATER", &data);
        assert!(matches!(&event, AnyEvent::Unrecognized(event) if &*event.name == "X_LATER"));
        assert_eq!((event.name(), event.data()), ("X_LATER", data));
        stays_as_data(event);
    }
    let bare = AnyEvent::decode("X_LATER", None);
    assert_eq!(bare.data(), json!({}));
    assert!(matches!(AnyEvent::decode("STOP", None), AnyEvent::Stop(_)));
    // Names are compared as they are.
    assert!(matches!(AnyEvent::decode("stop", None), AnyEvent::Unrecognized(_)));
}
