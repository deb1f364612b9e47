//! What several modules ask of a text or do to one: in one place, because every closure that is handed to the standard
//! library's functions has them compiled anew.

/// Returns whether the text begins with an ASCII character of this kind.
pub(crate) fn begins(text: &str, is_kind: fn(&u8) -> bool) -> bool {
    text.as_bytes().first().is_some_and(is_kind)
}

/// Adds a text to a list, after what separates its elements.
pub(crate) fn add(list: &mut String, separator: &str, text: &str) {
    if !list.is_empty() {
        list.push_str(separator);
    }
    list.push_str(text);
}
