//! Questions that are known to end some QEMUs.
//!
//! A question in this table is passed over where it is known to end the program, and the report says so. If it ends another
//! program, the report says so, too, and the scenario ends there without a failure. A death of any other question fails.

use qemu_qmp::Version;
use serde_json::Value;

/// One such question.
struct Question {
    command: &'static str,
    /// The argument by which it is known, and how its text begins.
    argument: (&'static str, &'static str),
    /// The first release that is asked nevertheless; `None` if none is.
    asked_from: Option<(u32, u32)>,
    reason: &'static str,
}

const QUESTIONS: [Question; 6] = [
    gl("virtio-gpu-gl"),
    gl("virtio-vga-gl"),
    gl("vhost-user-gpu-gl"),
    Question {
        command: "qom-list-properties",
        argument: ("typename", "colo-compare"),
        asked_from: None,
        reason: "it cannot be made only to be looked at",
    },
    Question {
        command: "qom-list-properties",
        argument: ("typename", "x-remote-object"),
        asked_from: None,
        reason: "it cannot be made without a remote machine",
    },
    Question {
        command: "x-query-virtio-status",
        argument: ("path", ""),
        asked_from: Some((0, 0)),
        // Only some devices end 11.1.
        reason: "some devices have no status to show",
    },
];

/// A device of OpenGL, where its module is installed and the display has none.
const fn gl(device: &'static str) -> Question {
    Question {
        command: "device-list-properties",
        argument: ("typename", device),
        asked_from: Some((10, 0)),
        reason: "its module is installed, and the display has no OpenGL",
    }
}

fn listed(command: &str, arguments: &Value) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| {
        let (name, beginning) = question.argument;
        question.command == command && arguments[name].as_str().is_some_and(|text| text.starts_with(beginning))
    })
}

/// Why this question ends a program, if it is known to end some.
pub fn reason(command: &str, arguments: &Value) -> Option<&'static str> {
    listed(command, arguments).map(|question| question.reason)
}

/// Whether this question is not to be put to a program of this release.
pub fn is_passed_over(command: &str, arguments: &Value, version: Version) -> bool {
    let release = (version.major, version.minor);
    listed(command, arguments).is_some_and(|question| question.asked_from.is_none_or(|first| release < first))
}

#[cfg(test)]
mod tests {
    use super::{is_passed_over, reason};
    use qemu_qmp::Version;
    use serde_json::json;

    #[test]
    fn listed_questions_are_known_by_argument_and_release() {
        let version = |major, minor| Version { major, minor, micro: 22 };
        let gl = json!({"typename": "virtio-gpu-gl-pci"});
        assert!(is_passed_over("device-list-properties", &gl, version(7, 2)));
        assert!(!is_passed_over("device-list-properties", &gl, version(10, 0)));
        assert!(reason("device-list-properties", &gl).is_some());
        assert_eq!(reason("qom-list-properties", &gl), None);
        assert_eq!(reason("device-list-properties", &json!({"typename": "virtio-gpu-pci"})), None);
        assert!(is_passed_over("qom-list-properties", &json!({"typename": "colo-compare"}), version(11, 1)));
        let status = json!({"path": "/machine/peripheral/nic0"});
        assert!(!is_passed_over("x-query-virtio-status", &status, version(11, 1)));
        assert!(reason("x-query-virtio-status", &status).is_some());
        assert_eq!(reason("query-status", &json!({})), None);
    }
}
