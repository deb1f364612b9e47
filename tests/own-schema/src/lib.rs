//! APIs from schemas that are not QEMU's, in a crate that is not `qemu-qmp`.

include!(concat!(env!("OUT_DIR"), "/lamps.rs"));

/// An API for the guest agent, beside the one above, which is for the monitor.
pub mod helper {
    include!(concat!(env!("OUT_DIR"), "/helper.rs"));
}

#[cfg(test)]
mod tests {
    #![allow(deprecated)]

    use super::commands::{Dim, LampAdd, Light, QueryLamp, QueryLamps};
    use super::events::{AnyEvent, Darkness, LampBroken};
    use super::helper::commands::{HelperLoad, HelperPing};
    use super::types::{Brightness, Dimmer, Lamp, LightBranch, Shade};
    use qemu_qmp::api::Secrets;
    use qemu_qmp::message::Request;
    use qemu_qmp::{Command, CommandFor, Event, EventSet, GuestAgent, Monitor, OobCommand, Peer, StorageDaemon};
    use serde_json::{from_str, json, to_value};

    /// That this compiles is the test.
    #[test]
    fn commands_are_for_the_peers_that_the_build_script_names() {
        fn name<P: Peer, C: CommandFor<P>>() -> &'static str {
            C::NAME
        }
        assert_eq!(name::<Monitor, QueryLamp>(), "query-lamp");
        assert_eq!(name::<GuestAgent, HelperLoad>(), "helper-load");
        assert_eq!([name::<GuestAgent, HelperPing>(), name::<StorageDaemon, HelperPing>()], ["helper-ping"; 2]);
    }

    #[test]
    fn commands_know_their_names_and_flags() {
        fn is_oob<C: OobCommand>() -> &'static str {
            C::NAME
        }
        assert_eq!((QueryLamp::NAME, is_oob::<QueryLamps>(), LampAdd::NAME), ("query-lamp", "query-lamps", "lamp_add"));
        assert_eq!((Dim::SUCCESS_RESPONSE, Light::SUCCESS_RESPONSE), (false, true));
    }

    #[test]
    fn the_list_of_commands_is_whole() {
        macro_rules! names {
            ($prefix:literal, $($command:ident,)*) => { [$((concat!($prefix, stringify!($command)), <super::commands::$command>::NAME)),*] };
        }
        let names = super::commands::for_each_command!(names! "c.",);
        assert_eq!(names.map(|(_, name)| name), ["query-lamp", "query-lamps", "lamp_add", "light", "dim"]);
        assert_eq!(names[0].0, "c.QueryLamp");
    }

    #[test]
    fn arguments_beyond_the_schema_are_sent_and_read() {
        let command = LampAdd::new("bed").argument("watts", 40);
        let json = json!({"name": "bed", "watts": 40});
        assert_eq!(to_value(&command).unwrap(), json);
        assert_eq!(from_str::<LampAdd>(&json.to_string()).unwrap(), command);
    }

    #[test]
    fn a_struct_lends_its_members_to_a_command() {
        let command = Dim::from(Dimmer::new().level(1.0).steps([0.0, 0.5]));
        assert_eq!(to_value(&command).unwrap().to_string(), r#"{"level":1,"steps":[0,0.5]}"#);
    }

    #[test]
    fn an_absent_tag_is_read_and_stays_absent() {
        let light: Light = from_str(r#"{"name": "desk"}"#).unwrap();
        assert_eq!(light.arguments.branch, LightBranch::WarmWhite(Lamp::new("desk")));
        assert_eq!(to_value(&light).unwrap(), json!({"name": "desk"}));
        let tagged: Light = from_str(r#"{"name": "desk", "colour": "warm-white", "new": true}"#).unwrap();
        assert_eq!(to_value(&tagged).unwrap(), json!({"name": "desk", "colour": "warm-white", "new": true}));
    }

    #[test]
    fn alternatives_are_told_apart() {
        for (json, brightness) in [
            (json!(0.5), Brightness::from(0.5)),
            (json!(2), Brightness::from(2.0)),
            (json!(true), Brightness::from(true)),
            (json!(null), Brightness::Off),
            (json!({"name": "sun"}), Brightness::from(Lamp::new("sun"))),
            (json!([]), Brightness::Unrecognized(json!([]))),
        ] {
            let shade: Shade = serde_json::from_value(json!({"brightness": json, "String": null})).unwrap();
            assert_eq!(shade.brightness, brightness);
            assert_eq!(to_value(&shade).unwrap(), json!({"brightness": json, "String": null}));
        }
    }

    #[test]
    fn events_are_told_by_name() {
        let broken = AnyEvent::decode(LampBroken::NAME, Some(r#"{"name": "bed", "count": 3}"#));
        assert_eq!(broken, AnyEvent::LampBroken(from_str(r#"{"name": "bed", "count": 3}"#).unwrap()));
        assert_eq!(AnyEvent::decode("DARKNESS", None), AnyEvent::Darkness(Darkness::blank()));
        let AnyEvent::Undecodable(event) = AnyEvent::decode("LAMP_BROKEN", Some(r#"{"name": 7}"#)) else {
            panic!("a number is no name");
        };
        assert_eq!((&*event.path, &*event.text), (".name", r#"{"name": 7}"#));
        assert_eq!(AnyEvent::decode("NOON", Some("[1]")).data(), json!([1]));
    }

    #[test]
    fn secrets_that_the_build_script_names_do_not_show() {
        use super::helper::{commands, events, types};
        let shown = |value: &dyn std::fmt::Debug, name: &str| {
            let text = format!("{value:?}");
            assert!(!text.contains("1234") && text.contains("***") && text.contains(name), "{text}");
        };
        let lock = || types::HelperLock::new("front").code("1234");
        let unlock = commands::HelperUnlock::new([types::HelperKey::from(lock())], "1234");
        let enter = commands::HelperEnter::from(types::HelperEntry::door(lock()));
        let unlocked: events::HelperUnlocked = from_str(r#"{"name": "front", "code": "1234"}"#).unwrap();
        shown(&lock(), "front");
        shown(&types::HelperKey::from(lock()), "front");
        shown(&enter, "front");
        shown(&enter.arguments.branch, "front");
        shown(&unlock, "front");
        shown(&events::AnyEvent::HelperUnlocked(unlocked), "front");
        shown(&Request::new(&unlock).unwrap(), "helper-unlock");
        assert_eq!(HelperLoad::SECRETS, Secrets::of(&["code"]).and_reply());
        assert_eq!(LampAdd::SECRETS, Secrets::NONE);
    }

    #[test]
    fn errors_name_the_place() {
        let error = QueryLamps::decode_reply(r#"[{"name": "a"}, {"name": "b", "old-names": ["c", 4]}]"#).unwrap_err();
        let text = error.to_string();
        let (path, reason) = qemu_qmp::wire::split_path(&text);
        assert_eq!(path, "[1].old-names[1]");
        assert!(reason.starts_with("invalid type: integer `4`, expected a string"), "{reason}");
    }
}
