//! Limits of QEMU's JSON parser for one message.
//!
//! A message over a limit is not answered by one error: the parser gives up in its middle and complains about the rest, too,
//! without any id, so that the complaints would be taken for answers to later commands. Therefore none is sent.

/// How deeply objects and arrays may be nested, the message itself included.
const MAX_DEPTH: usize = 1024;
/// How deeply an id may be nested: ids are compared level by level.
const MAX_ID_DEPTH: usize = 128;
/// How many bytes the tokens of a message may have together.
const MAX_LEN: usize = 64 << 20;
/// How many tokens a message may have. Brackets, commas and colons count, too.
const MAX_TOKENS: usize = 2 << 20;

/// Returns whether a server can read this text, which is JSON, or else the reason why not.
pub(crate) fn check(json: &str) -> Result<(), &'static str> {
    // Nearly all messages are too short to be over any limit.
    if json.len() <= MAX_DEPTH {
        return Ok(());
    }
    if json.len() > MAX_LEN {
        return Err("longer than 64 MiB, which no server reads");
    }
    match measure(json.as_bytes()) {
        (depth, _) if depth > MAX_DEPTH => Err("nested more deeply than 1024 levels, which no server reads"),
        (_, tokens) if tokens > MAX_TOKENS => Err("more than 2097152 tokens, which no server reads"),
        _ => Ok(()),
    }
}

/// Returns whether an id is not too deep to be compared with the one that comes back.
pub(crate) fn check_id(json: &str) -> Result<(), &'static str> {
    match measure(json.as_bytes()) {
        (depth, _) if depth > MAX_ID_DEPTH => Err("nested more deeply than 128 levels"),
        _ => Ok(()),
    }
}

/// The greatest depth, and how many tokens there are.
fn measure(json: &[u8]) -> (usize, usize) {
    let (mut depth, mut deepest, mut tokens) = (0_usize, 0, 0);
    let mut bytes = json.iter();
    // Whether the byte before belonged to a number or a keyword.
    let mut inside = false;
    while let Some(&byte) = bytes.next() {
        let plain = !matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"' | b' ' | b'\n' | b'\r' | b'\t');
        tokens += usize::from(!(byte.is_ascii_whitespace() || (plain && inside)));
        inside = plain;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    (deepest, tokens)
}

/// Moves behind the closing quote.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_tokens() {
        assert_eq!(measure(br#"{"a": [1, -2.5e3, "]}\"{", true], "b": {}}"#), (2, 18));
        assert_eq!(measure(b"[[[]],[]]"), (3, 9));
    }

    #[test]
    fn limits_are_exact() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(check(&nested(MAX_DEPTH)).is_ok());
        assert!(check(&nested(MAX_DEPTH + 1)).unwrap_err().contains("1024 levels"));
        assert!(check_id(&nested(MAX_ID_DEPTH)).is_ok());
        assert!(check_id(&nested(MAX_ID_DEPTH + 1)).unwrap_err().contains("128 levels"));
        let many = |tokens: usize| format!("[{}]", "0,".repeat((tokens - 3) / 2) + "0");
        assert_eq!(measure(many(99).as_bytes()).1, 99);
        assert!(check(&many(MAX_TOKENS - 1)).is_ok());
        assert!(check(&many(MAX_TOKENS + 1)).unwrap_err().contains("tokens"));
        let long = format!("\"{}\"", "x".repeat(MAX_LEN - 1));
        assert!(check(&long).unwrap_err().contains("64 MiB"));
    }
}
