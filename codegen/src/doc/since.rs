//! Finds and takes out the notes that say in which release something first appeared.

/// Splits `(since X)` off a description: what remains, and `X`.
///
/// The note may be one of several things in the parentheses, as in `(default: 5, since 7.1)`, or the whole text. Of
/// several notes the first counts; all others stay.
pub(super) fn split(text: &str) -> (String, Option<String>) {
    if let Some(release) = note(text.strip_suffix('.').unwrap_or(text)) {
        return (String::new(), Some(release.into()));
    }
    for (open, _) in text.match_indices('(') {
        let Some(length) = text[open..].find(')') else { break };
        let inside = &text[open + 1..open + length];
        let mut pieces: Vec<&str> = inside.split([',', ';']).collect();
        let Some(index) = pieces.iter().position(|piece| note(piece).is_some()) else { continue };
        let release = note(pieces.remove(index)).map(String::from);
        let (before, mut after) = (text[..open].trim_end(), &text[open + length + 1..]);
        if pieces.is_empty() {
            if before.is_empty() || before.ends_with(['.', '!', '?']) {
                after = after.strip_prefix('.').unwrap_or(after);
            }
            return (format!("{before}{after}").trim().into(), release);
        }
        let rest = pieces.join(",");
        return (format!("{}({}){after}", &text[..open], rest.trim()), release);
    }
    (text.into(), None)
}

/// The release at the start of a `Since:` section and what else the section says.
pub(super) fn leading_release(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let release = text[..end].trim_end_matches('.');
    release.starts_with(|c: char| c.is_ascii_digit()).then(|| (release, text[end..].trim()))
}

/// The release in `since X`, which must be all there is.
fn note(text: &str) -> Option<&str> {
    let text = text.trim();
    let (word, rest) = text.split_at_checked("since".len())?;
    if !word.eq_ignore_ascii_case("since") {
        return None;
    }
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (release, more) = leading_release(rest.strip_prefix(char::is_whitespace)?.trim_start())?;
    more.is_empty().then_some(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_taken_out() {
        for (text, rest, release) in [
            ("", "", None),
            ("how many", "how many", None),
            ("(since 5.2)", "", Some("5.2")),
            ("since 2.12.1.", "", Some("2.12.1")),
            ("how many (Since: 2.10)", "how many", Some("2.10")),
            ("how many (since\n4.0).", "how many.", Some("4.0")),
            ("How many.  (Since 4.0).", "How many.", Some("4.0")),
            (
                "how many (in kB; default: 3, since 4.0) there are",
                "how many (in kB, default: 3) there are",
                Some("4.0"),
            ),
            ("how many (there are) (since 4.0)", "how many (there are)", Some("4.0")),
            ("a (since 1.2) b (since 1.3)", "a b (since 1.3)", Some("1.2")),
            ("how many (since 4.0 on s390x)", "how many (since 4.0 on s390x)", None),
            ("how many (since Linux 4.0)", "how many (since Linux 4.0)", None),
            ("how many (sincé 4.0) (", "how many (sincé 4.0) (", None),
        ] {
            assert_eq!(split(text), (rest.to_string(), release.map(String::from)), "{text:?}");
        }
    }
}
