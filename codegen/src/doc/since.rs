//! Finds and takes out the notes that say in which release something first appeared.

use crate::text::begins;

/// Splits `(since X)` off a description: what remains, and `X`.
///
/// The note may be one of several things in the parentheses, as in `(default: 5, since 7.1)`, or the whole text. Of
/// several notes the one that ends the text counts, or else the first; the others are about details and stay.
pub(super) fn split(text: &str) -> (String, Option<String>) {
    if let Some(release) = release(text.strip_suffix('.').unwrap_or(text)) {
        return (String::new(), Some(release.into()));
    }
    let mut notes = Vec::new();
    for (open, letter) in text.bytes().enumerate() {
        if letter == b'(' {
            notes.extend(Note::at(text, open));
        }
    }
    match notes.last().filter(|note| matches!(note.after, "" | ".")).or(notes.first()) {
        Some(note) => (note.without(), Some(note.release.into())),
        None => (text.into(), None),
    }
}

/// A parenthesis that names a release, and the text around it.
struct Note<'t> {
    before: &'t str,
    /// What else stands in the parentheses, with commas between its parts.
    rest: Option<String>,
    release: &'t str,
    after: &'t str,
}

impl<'t> Note<'t> {
    /// Reads the parenthesis that opens at `open`.
    fn at(text: &'t str, open: usize) -> Option<Self> {
        let (inside, after) = text[open..].strip_prefix('(')?.split_once(')')?;
        let (mut found, mut rest) = (None, None);
        for piece in inside.split([',', ';']) {
            match (release(piece), &mut rest) {
                (Some(release), _) if found.is_none() => found = Some(release),
                (_, None) => rest = Some(piece.to_owned()),
                (_, Some(rest)) => {
                    rest.push(',');
                    rest.push_str(piece);
                }
            }
        }
        Some(Self { before: &text[..open], rest, release: found?, after })
    }

    /// The text without the note.
    fn without(&self) -> String {
        if let Some(rest) = &self.rest {
            return format!("{}({}){}", self.before, rest.trim(), self.after);
        }
        let before = self.before.trim_end();
        let sentence_over = before.is_empty() || before.ends_with(['.', '!', '?']);
        let after = self.after.strip_prefix('.').filter(|_| sentence_over).unwrap_or(self.after);
        format!("{before}{after}").trim().into()
    }
}

/// The release at the start of a `Since:` section and what else the section says.
pub(super) fn leading_release(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(text.len());
    let release = text[..end].trim_end_matches('.');
    begins(release, u8::is_ascii_digit).then(|| (release, text[end..].trim()))
}

/// The release in `since X`, which must be all there is.
fn release(text: &str) -> Option<&str> {
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
            ("a (since 1.2) b (since 1.3) c", "a b (since 1.3) c", Some("1.2")),
            ("a (since 1.2) b (since 1.3)", "a (since 1.2) b", Some("1.3")),
            ("how many (since 4.0 on s390x)", "how many (since 4.0 on s390x)", None),
            ("how many (since Linux 4.0)", "how many (since Linux 4.0)", None),
            ("how many (sincé 4.0) (", "how many (sincé 4.0) (", None),
        ] {
            assert_eq!(split(text), (rest.to_string(), release.map(String::from)), "{text:?}");
        }
    }
}
