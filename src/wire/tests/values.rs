//! Numbers, strings, enums, alternates and null.

use super::types::{Disk, Reference, Tone};
use super::{again, refused};
use crate::wire::{alternative, decode, to_any, Any, Empty, Null, Number, QType};
use serde_json::json;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher, BuildHasherDefault};

fn ratio(text: &str) -> String {
    let text = again::<Disk>(&format!(r#"{{"file": "", "parts": [], "ratio": {text}, "ratios": [{text}]}}"#));
    let (_, ratio) = text.split_once(r#""ratio":"#).unwrap();
    let (ratio, rest) = ratio.split_once(',').unwrap();
    assert!(rest.starts_with(&format!(r#""ratios":[{ratio}]"#)), "{rest}");
    // How an exponent is written is serde_json's affair.
    ratio.replace("e+", "e")
}

#[test]
fn numbers_have_no_fraction_where_they_are_whole() {
    for (text, written) in [
        ("1", "1"),
        ("1.0", "1"),
        ("-3e2", "-300"),
        ("0", "0"),
        ("0.0", "0"),
        ("-0.0", "-0.0"),
        ("0.1", "0.1"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740994", "9007199254740994.0"),
        ("18446744073709551615", "1.8446744073709552e19"),
        ("1e300", "1e300"),
        ("-5e-324", "-5e-324"),
    ] {
        assert_eq!(ratio(text), written, "{text}");
    }
}

/// The digits that QEMU writes are more than a double needs, so each has to be read to the last bit.
#[test]
fn doubles_survive_to_the_last_bit() {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..2000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        for double in [f64::from_bits(bits), (bits >> 11) as f64 / 1e6] {
            if !double.is_finite() {
                continue;
            }
            for text in [format!("{double:e}"), format!("{double:.16e}"), format!("{double}")] {
                assert_eq!(ratio(&text).parse::<f64>().unwrap().to_bits(), double.to_bits(), "{text}");
                let any: Any = decode(&text).unwrap();
                assert_eq!(any.as_f64().map(f64::to_bits), Some(double.to_bits()), "{text}");
            }
        }
    }
}

#[test]
fn what_is_no_number_in_json_becomes_null() {
    assert_eq!(to_any(&Number(&f64::NAN)), Any::Null);
    assert_eq!(serde_json::to_string(&Number(&f64::INFINITY)).unwrap(), "null");
}

#[test]
fn integers_reach_their_borders() {
    let size = |text: &str| format!(r#"{{"file":"","size":{text},"parts":[]}}"#);
    for text in ["0", "9223372036854775808", "18446744073709551615"] {
        assert_eq!(again::<Disk>(&size(text)), size(text));
    }
    for text in ["-1", "18446744073709551616", "1.5", "1.0", "1e3", "\"1\"", "true"] {
        assert_eq!(refused::<Disk>(&size(text)).0, ".size", "{text}");
    }
    for text in ["-9223372036854775808", "9223372036854775807"] {
        assert_eq!(again::<Reference>(text), text);
        assert!(matches!(decode(text), Ok(Reference::Number(_))));
    }
}

#[test]
fn any_is_kept_as_it_came() {
    let text =
        r#"{"file":"","parts":[],"any":{"a":[null,true,18446744073709551615,-9223372036854775808,0.1,""],"b":{}}}"#;
    assert_eq!(again::<Disk>(text), text);
}

#[test]
fn integers_of_any_size_are_doubles_or_kept() {
    let any = |number: &str| {
        let text = again::<Disk>(&format!(r#"{{"file":"","parts":[],"any":[{number}]}}"#));
        text.split(['[', ']']).nth(3).unwrap_or_default().to_owned()
    };
    // Whether the program was built with serde_json's `arbitrary_precision`.
    let kept = serde_json::from_str::<Any>("1e0").is_ok_and(|number| number.to_string().contains(['e', 'E']));
    for number in ["18446744073709551616", "-9223372036854775809"] {
        assert_eq!(any(number) == number, kept, "{number}");
        assert_eq!(any(number).parse::<f64>(), number.parse());
    }
}

#[test]
fn strings_are_kept_whatever_they_hold() {
    let file = |json: &str| {
        let disk: Disk = decode(&format!(r#"{{"file": {json}, "parts": []}}"#)).unwrap();
        assert_eq!(decode::<Disk>(&serde_json::to_string(&disk).unwrap()).unwrap(), disk);
        disk.file
    };
    assert_eq!(file(r#""\ud83d\ude00\u0000\/\t\"\\""#), "\u{1f600}\0/\t\"\\");
    assert_eq!(file("\"\u{2028}\u{fffd}\u{10ffff}\u{7f}\""), "\u{2028}\u{fffd}\u{10ffff}\u{7f}");
    assert_eq!(refused::<Disk>(r#"{"file": "\ud83d", "parts": []}"#).0, ".file");
}

#[test]
fn what_is_the_same_on_the_wire_is_equal_and_looks_the_same() {
    let hash = |tone: &Tone| BuildHasherDefault::<DefaultHasher>::default().hash_one(tone);
    let tones = || [Tone::Low, Tone::High, Tone::Unrecognized("shrill".into()), Tone::Unrecognized("hoarse".into())];
    for (one, index) in tones().iter().zip(0..) {
        for (other, place) in tones().iter().zip(0..) {
            assert_eq!(one == other, index == place, "{one} {other}");
            assert!(one != other || hash(one) == hash(other));
        }
    }
    assert_ne!(hash(&Tone::Low), hash(&Tone::High));
    assert_eq!(
        format!("{:?}", tones()),
        r#"[Tone "low", Tone "high-pitched", Tone Unrecognized("shrill"), Tone Unrecognized("hoarse")]"#
    );
}

#[test]
fn enums_keep_what_they_do_not_know() {
    assert_eq!(decode::<Tone>(r#""high-pitched""#).unwrap(), Tone::High);
    for text in [r#""low""#, r#""high-pitched""#, r#""High-Pitched""#, r#""""#, r#""\u0000é\"""#] {
        assert_eq!(again::<Tone>(text), text);
    }
    let unknown: Tone = decode(r#""shrill""#).unwrap();
    assert!(matches!(&unknown, Tone::Unrecognized(name) if **name == *"shrill"));
    assert_eq!((unknown.as_str(), Tone::High.as_str()), ("shrill", "high-pitched"));
    assert_eq!((format!("{unknown:>8}"), format!("{:<5}|", Tone::Low)), ("  shrill".to_owned(), "low  |".to_owned()));
    assert_eq!("low".parse(), Ok(Tone::Low));
    let error = "lower".parse::<Tone>().unwrap_err().to_string();
    assert_eq!(error, "\"lower\" is no Tone; did you mean `low`?");
    assert_eq!((Tone::from("lower"), Tone::from("low")), (Tone::Unrecognized("lower".into()), Tone::Low));
    assert_eq!((Tone::from(String::from("low")), Tone::from("").is_unrecognized()), (Tone::Low, true));
    assert!(!Tone::Low.is_unrecognized());
    assert_eq!(Tone::VALUES.len(), 2);
    for text in ["1", "null", "[\"low\"]", "{\"low\": null}", "true"] {
        assert!(refused::<Tone>(text).1.ends_with("expected a string"), "{text}");
    }
    assert_eq!(again::<QType>(r#""qdict""#), r#""qdict""#);
    assert_eq!(again::<QType>(r#""qset""#), r#""qset""#);
}

#[test]
fn alternates_are_told_apart_by_kind() {
    assert_eq!(decode::<Reference>(r#""7""#).unwrap(), Reference::Name("7".to_owned()));
    assert_eq!(decode::<Reference>("7").unwrap(), Reference::Number(7));
    assert_eq!(decode::<Reference>("null").unwrap(), Reference::None);
    assert!(matches!(decode(r#"{"file": "f", "parts": []}"#), Ok(Reference::Disk(_))));
    for text in ["\"\"", "null", "-1", r#"{"file":"f","backing":{"file":"","backing":null,"parts":[]},"parts":[]}"#] {
        assert_eq!(again::<Reference>(text), text);
    }
}

#[test]
fn alternates_keep_other_kinds() {
    for text in ["true", "[]", r#"[1,{"a":null}]"#, "0.5"] {
        let value: Reference = decode(text).unwrap();
        assert!(matches!(&value, Reference::Unrecognized(_)), "{value:?}");
        assert_eq!(again::<Reference>(text), text);
    }
}

#[test]
fn alternates_do_not_hide_what_is_wrong_inside() {
    assert_eq!(refused::<Reference>(r#"{"file": 1, "parts": []}"#).0, ".file");
    let (path, reason) = refused::<Disk>(r#"{"file": "", "parts": [], "backing": {"parts": []}}"#);
    assert_eq!((path.as_str(), reason.as_str()), (".backing", "missing member `file`"));
    // In the range of 64 bits, but not of the alternative.
    assert!(!refused::<Reference>("18446744073709551615").1.is_empty());
}

#[test]
fn null_and_nothing() {
    assert_eq!(again::<Null>("null"), "null");
    assert!(!refused::<Null>("0").1.is_empty());
    assert_eq!(again::<Empty>("{}"), "{}");
    for text in ["null", "[]", "\"\"", "0"] {
        assert!(refused::<Empty>(text).1.ends_with("expected an object"), "{text}");
    }
}

#[test]
fn arrays_tell_the_element() {
    assert_eq!(decode::<Vec<u8>>("[1, 255]").unwrap(), [1, 255]);
    let error = decode::<Vec<u8>>("[1, 256]").unwrap_err().to_string();
    assert_eq!(super::split_path(&error).0, "[1]");
    assert!(decode::<Vec<u8>>("[1] 2").is_err());
    let error = alternative::<Vec<u8>>("[1, 2, null]").unwrap_err().to_string();
    assert_eq!(super::split_path(&error).0, "[2]");
    assert_eq!(to_any(&Reference::Name("a".to_owned())), json!("a"));
}
