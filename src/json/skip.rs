//! Finds where a JSON value ends, eight bytes at a time.
//!
//! Counts brackets and tells strings from the rest; all else is the decoder's concern. Of text that is no JSON it finds some end or
//! none, and does not panic. Does not recurse.
//!
//! A word is eight bytes of the text, the first in its lowest bits. A mask has the highest bit of each byte that it marks, and no
//! other.

use memchr::memchr2;

/// The marks of all bytes.
const MARKS: u64 = 0x8080_8080_8080_8080;

/// 1 in each byte. So many times a mask is the mask of the bytes up to which an odd number of bytes is marked.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The bits in which brackets differ. Of what stands outside of strings in JSON, they alone have all others.
const BRACKETS: u64 = 0x2626_2626_2626_2626;

/// How many bytes the value has that the text starts with. All, if it does not end; none, if there is no value.
pub(crate) fn value_len(json: &[u8]) -> usize {
    let mut at = 0;
    // A number or a keyword ends before what follows.
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => return end_of_string(json, at + 1).unwrap_or(json.len()),
            b'{' | b'[' => return end_of_container(json, at + 1, usize::MAX).unwrap_or(json.len()),
            b'}' | b']' | b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => return at,
            _ => at += 1,
        }
    }
    at
}

/// How many bytes the object or array has whose bracket the text starts with. `None` if it does not end, or more than `max_depth`
/// arrays and objects are open at a time.
pub(crate) fn container_len(json: &[u8], max_depth: usize) -> Option<usize> {
    end_of_container(json, 1, max_depth)
}

/// Where the text goes on behind a string whose inside starts at `at`.
fn end_of_string(json: &[u8], mut at: usize) -> Option<usize> {
    // Most strings are short.
    for _ in 0..4 {
        let word = word(json, at);
        match bytes_that_are(b'"', word) | bytes_that_are(b'\\', word) {
            0 => at += 8,
            found if json.get(at + first(found)) == Some(&b'"') => return Some(at + first(found) + 1),
            found => at += first(found) + 2,
        }
    }
    loop {
        at += memchr2(b'"', b'\\', json.get(at..)?)?;
        match json.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Where the text goes on behind an object or array whose inside starts at `at`, if it is not nested more deeply than that.
fn end_of_container(json: &[u8], mut at: usize, max_depth: usize) -> Option<usize> {
    let mut depth = 1_usize;
    // The first is all ones in a string; the second marks a first byte that a backslash stands before.
    let (mut inside, mut escaped) = (0, 0);
    while at < json.len() {
        let words = two_words(json, at);
        let [one, other] = words.map(|word| word | ascii_that_are(b'\\', word));
        let marks = if (one | other) & MARKS | escaped == 0 {
            words.map(|word| (ascii_that_are(b'"', word), ascii_that_are(0x7f, word | BRACKETS)))
        } else {
            words.map(|word| (unescaped_quotes(word, &mut escaped), bytes_that_are(0x7f, word | BRACKETS)))
        };
        let [(one, _), (other, _)] = marks;
        // Of a long string there is one such place soon. To look everywhere would cost short ones more.
        if at & 0x70 == 0 && one | other | escaped | !inside == 0 {
            at = end_of_string(json, at + 16)?;
            inside = 0;
            continue;
        }
        for (word, (quotes, brackets)) in words.into_iter().zip(marks) {
            let strings = quotes.wrapping_mul(ONES) ^ inside;
            inside = if strings >> 63 == 1 { u64::MAX } else { 0 };
            let mut brackets = brackets & !strings;
            while brackets != 0 {
                let index = first(brackets);
                // Bit 1 is that of what opens, bit 2 that of what closes; all else has both or none.
                let bracket = word >> (8 * index);
                depth += usize::from(bracket & 2 != 0);
                depth -= usize::from(bracket & 4 != 0);
                if depth == 0 {
                    return Some(at + index + 1);
                }
                if depth > max_depth {
                    return None;
                }
                brackets &= brackets - 1;
            }
            at += 8;
        }
    }
    None
}

/// Marks quotes before which no backslash stands. The first byte is `escaped` if its mark is set in there, which is then set for the
/// next word.
#[inline(never)]
fn unescaped_quotes(word: u64, escaped: &mut u64) -> u64 {
    let mut quotes = bytes_that_are(b'"', word) & !*escaped;
    let mut backslashes = bytes_that_are(b'\\', word) & !*escaped;
    let mut next = 1;
    while backslashes != 0 {
        let one = backslashes & backslashes.wrapping_neg();
        next = one << 8;
        quotes &= !next;
        backslashes &= !(one | next);
    }
    *escaped = u64::from(next == 0) << 7;
    quotes
}

/// Returns whether the inside of a string says what it says, without escapes. What no string may have in it counts as one.
pub(super) fn is_plain(inside: &[u8]) -> bool {
    let (mut found, mut at) = (0, 0);
    while at < inside.len() {
        let word = word(inside, at);
        found |= bytes_that_are(b'\\', word) | bytes_that_are(0, word & 0xe0e0_e0e0_e0e0_e0e0);
        at += 8;
    }
    found == 0
}

/// The two words at `at`; spaces beyond the end of the text.
#[inline]
fn two_words(json: &[u8], at: usize) -> [u64; 2] {
    match json.get(at..).and_then(<[u8]>::first_chunk) {
        Some(bytes) => {
            let both = u128::from_le_bytes(*bytes);
            [both as u64, (both >> 64) as u64]
        }
        None => [word(json, at), word(json, at + 8)],
    }
}

/// The word at `at`; spaces beyond the end of the text.
#[inline]
fn word(json: &[u8], at: usize) -> u64 {
    match json.get(at..).and_then(<[u8]>::first_chunk) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => last_word(json, json.len().saturating_sub(at)),
    }
}

/// The last so many bytes, fewer than eight, and spaces.
#[inline(never)]
fn last_word(json: &[u8], len: usize) -> u64 {
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    let bits = 8 * len as u32;
    match json.last_chunk() {
        Some(_) if len == 0 => SPACES,
        Some(bytes) => u64::from_le_bytes(*bytes) >> (64 - bits) | SPACES << bits,
        None => json.iter().rev().take(len).fold(SPACES, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Marks the bytes of this value, which is below 128.
#[inline]
fn bytes_that_are(value: u8, word: u64) -> u64 {
    ascii_that_are(value, word & !MARKS) & !word
}

/// The same for a word of bytes below 128.
#[inline]
fn ascii_that_are(value: u8, word: u64) -> u64 {
    // Makes 127 of such a byte, and 128 of that.
    (word ^ u64::from_le_bytes([value ^ 0x7f; 8])).wrapping_add(ONES) & MARKS
}

/// The index of the first byte that is marked; 8 if there is none.
#[inline]
fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, byte by byte.
    fn plain(json: &[u8]) -> usize {
        let (mut depth, mut in_string, mut escaped, mut at) = (0_usize, false, false, 0);
        while let Some(&byte) = json.get(at) {
            let ended = depth == 0 && !in_string;
            let is_escaped = std::mem::take(&mut escaped);
            match byte {
                b'"' | b'\\' if is_escaped => {}
                b'\\' if in_string || depth > 0 => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'}' | b']' | b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if ended => return at,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ if ended => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            at += 1;
            if depth == 0 && !in_string && !escaped {
                return at;
            }
        }
        at
    }

    #[test]
    fn values_end_where_they_do() {
        for (value, rest) in [
            (r#""""#, "x"),
            (r#""\\\"""#, r#"""#),
            (r#""1234567""#, ""),
            (r#""123456\"789\\""#, r#"\""#),
            (r#"{"a": ["]}", "\\", "\"{"], "b": {"\\\\\"": {}}}"#, "}"),
            ("[[[[[[[[[]]]]]]]]]", "]"),
            (r#"["\u00e9é]yY_\u007f"]"#, "]"),
            ("-1.5e3", ","),
            ("true", " "),
            ("", "}"),
            ("", ": 1"),
            ("", ""),
        ] {
            let text = format!("{value}{rest}");
            assert_eq!(value_len(text.as_bytes()), value.len(), "{text}");
        }
        for open in ["\"", "\"\\", "\"\\\"", "[\"]\"", "{\"a\": [}", "[\"\\\\", "{", "12"] {
            assert_eq!(value_len(open.as_bytes()), open.len(), "{open}");
        }
    }

    #[test]
    fn words_end_where_bytes_do() {
        // Texts of what matters, from a generator of which nobody expects much.
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..1 + state % 40)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    br#"""\{}[]{[a, Y_y:0\""#[(state >> 33) as usize % 19] | u8::from(state >> 60 == 0) << 7
                })
                .collect();
            assert_eq!(value_len(&bytes), plain(&bytes), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn marks_are_exact() {
        for byte in 0..=u8::MAX {
            for (value, other) in [(b'"', 0x23), (b'\\', 0x5d), (0x7f, 0)] {
                let word = u64::from_le_bytes([value, byte, other, value, byte, byte, other, value]);
                let expected = word.to_le_bytes().map(|byte| if byte == value { 0x80 } else { 0 });
                assert_eq!(bytes_that_are(value, word), u64::from_le_bytes(expected), "{byte}");
            }
        }
    }
}
