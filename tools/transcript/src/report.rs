//! What a finding looks like: a line of JSON for programs, or a line for people, and the summary.

use crate::conversation::{Conversation, Finding, Kind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// One finding as one line of JSON, its members in the order in which they are documented.
pub fn write_json(out: &mut impl Write, line: usize, finding: &Finding) -> io::Result<()> {
    let name = Value::from(finding.name.as_deref());
    write!(out, r#"{{"line":{line},"kind":"{}","name":{name},"#, finding.kind.as_str())?;
    match &finding.result {
        Ok(recoded) => {
            let unrecognized = Value::from(recoded.unrecognized.clone());
            writeln!(out, r#""ok":true,"json":{},"unrecognized":{unrecognized}}}"#, recoded.json)
        }
        Err(error) => writeln!(out, r#""ok":false,"error":{}}}"#, Value::from(error.to_string())),
    }
}

/// ANSI colours, or none.
#[derive(Debug, Clone, Copy)]
pub struct Colours(pub bool);

impl Colours {
    fn paint(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// One finding as a line for people, with what is wrong or unknown below it.
pub fn write_pretty(
    out: &mut impl Write,
    colours: Colours,
    line: usize,
    finding: &Finding,
    raw: &[u8],
) -> io::Result<()> {
    let arrow = if finding.from_server { "<-" } else { "->" };
    let name = finding.name.as_deref().unwrap_or("");
    let head = format!("{line:>6} {arrow} {:<9} {name}", finding.kind.as_str());
    match &finding.result {
        Ok(recoded) => {
            writeln!(out, "{head}  {}", colours.dim(&excerpt(&recoded.json.to_string())))?;
            recoded.unrecognized.iter().try_for_each(|path| {
                let path = if path.is_empty() { "the message as a whole" } else { path };
                writeln!(out, "       {}", colours.yellow(&format!("unrecognized: {path}")))
            })
        }
        Err(error) => {
            writeln!(out, "{head}  {}", colours.red(&error.to_string()))?;
            writeln!(out, "       {}", colours.dim(String::from_utf8_lossy(raw).trim()))
        }
    }
}

fn excerpt(json: &str) -> String {
    const LENGTH: usize = 100;
    match json.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json.to_owned(),
    }
}

/// What was found in a whole conversation.
#[derive(Debug, Default)]
pub struct Summary {
    kinds: BTreeMap<Kind, usize>,
    /// How many messages did not fit.
    pub failed: usize,
    /// How often something was unrecognized, by message and path; elements of arrays count as one.
    unrecognized: BTreeMap<(Kind, String, String), usize>,
}

impl Summary {
    pub fn add(&mut self, finding: &Finding) {
        *self.kinds.entry(finding.kind).or_default() += 1;
        match &finding.result {
            Err(_) => self.failed += 1,
            Ok(recoded) => {
                for path in &recoded.unrecognized {
                    let name = finding.name.clone().unwrap_or_default();
                    *self.unrecognized.entry((finding.kind, name, without_indices(path))).or_default() += 1;
                }
            }
        }
    }

    pub fn write(&self, out: &mut impl Write, colours: Colours, conversation: &Conversation) -> io::Result<()> {
        let kinds: Vec<_> =
            self.kinds.iter().map(|(kind, count)| format!("{count} {}", plural(*kind, *count))).collect();
        let failed = match self.failed {
            0 => "all fit the types".to_owned(),
            count => colours.red(&format!("{count} failed")),
        };
        let messages: usize = self.kinds.values().sum();
        writeln!(out, "{messages} messages ({}): {failed}", kinds.join(", "))?;
        for ((kind, name, path), count) in &self.unrecognized {
            let path = if path.is_empty() { "as a whole" } else { path };
            writeln!(out, "{} {} {name} {path} ({count}×)", colours.yellow("unrecognized:"), kind.as_str())?;
        }
        for sent in conversation.unanswered() {
            let name = sent.name.as_deref().unwrap_or_default();
            writeln!(out, "{} {name} (line {})", colours.yellow("unanswered:"), sent.line)?;
        }
        Ok(())
    }
}

fn plural(kind: Kind, count: usize) -> String {
    let one = kind.as_str();
    match kind {
        _ if count == 1 || kind == Kind::Malformed => one.to_owned(),
        Kind::Reply => "replies".to_owned(),
        _ => format!("{one}s"),
    }
}

fn without_indices(path: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for letter in path.chars() {
        inside = (inside || letter == '[') && letter != ']';
        if !inside || letter == '[' {
            kept.push(letter);
        }
    }
    kept
}
