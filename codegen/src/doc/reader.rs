//! Comment lines → sections → [`Doc`].
//!
//! Follows the order in which QEMU's generator looks at the lines, so that of several mistakes the same one is
//! reported at the same line.

use super::style::Style;
use super::{since, Doc, Entry, Section};
use crate::error::{Error, Location, Result};
use crate::lexer::{is_space, Comments, Kind, Lexer};
use crate::text::add;

/// Reads one block.
#[derive(Debug)]
pub(crate) struct Reader<'r, 't> {
    lexer: &'r mut Lexer<'t>,
    warnings: &'r mut Vec<Error>,
    style: Style,
    sections: Vec<Draft>,
    /// The line read last.
    latest: Location,
}

/// A line of the block without `# ` and trailing white space; blank lines are empty.
#[derive(Debug, Clone)]
struct Line<'t> {
    text: &'t str,
    at: Location,
}

/// The subject of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Plain,
    Member,
    Feature,
    Returns,
    Errors,
    Since,
    /// Notes, examples and what remains to be done.
    Other,
}

/// A section as it is being read.
#[derive(Debug)]
struct Draft {
    tag: Tag,
    /// The name of the member or feature, or the word that opens the section.
    name: String,
    at: Location,
    text: String,
}

/// A block whose end has been read but whose sections have not been looked into.
#[derive(Debug)]
pub(crate) struct Block {
    at: Location,
    symbol: Option<String>,
    sections: Vec<Draft>,
}

impl<'r, 't> Reader<'r, 't> {
    /// Gets ready to read the lines that `lexer` has next; the block's first line, at `at`, has been read already.
    pub(crate) fn new(lexer: &'r mut Lexer<'t>, warnings: &'r mut Vec<Error>, at: &Location) -> Self {
        Self { lexer, warnings, style: Style::default(), sections: Vec::new(), latest: at.clone() }
    }

    /// Reads all lines up to the closing `##`; `opening` is the first line.
    pub(crate) fn read(mut self, opening: &str) -> Result<Block> {
        let at = self.latest.clone();
        if opening != "##" {
            return Err(Error::new(&at, "a doc block opens with `##` and nothing else on the line"));
        }
        self.open(Tag::Plain, "", &at);
        let first = self.line()?;
        let symbol = match &first {
            Some(line) if line.text.starts_with('@') => Some(symbol(line)?.to_string()),
            _ => None,
        };
        if symbol.is_some() {
            self.definition()?;
        } else {
            self.free_form(first)?;
        }
        Ok(Block { at, symbol, sections: self.sections })
    }

    /// The block of a definition, after its first line.
    fn definition(&mut self) -> Result<()> {
        let mut entries_over = false;
        let mut next = self.line()?;
        while let Some(line) = next {
            if line.text.is_empty() {
                next = self.line()?;
            } else if line.text == "Features:" {
                next = self.features(&line)?;
                entries_over = true;
            } else if let Some((name, _)) = entry(line.text) {
                if entries_over {
                    return Err(Error::new(
                        &line.at,
                        format!("`@{name}:` stands behind a section, where no entry may"),
                    ));
                }
                next = self.entries(Tag::Member, Some(line))?;
                entries_over = true;
            } else if let Some((tag, name, text)) = tagged(line.text) {
                self.open_once(tag, name, &line.at)?;
                next = match (tag, text) {
                    (Tag::Other, "") => self.up_to_section()?,
                    _ => self.indented(text)?,
                };
                entries_over = true;
            } else {
                next = self.paragraph(line)?;
            }
        }
        Ok(())
    }

    /// The entries under `Features:`.
    fn features(&mut self, heading: &Line<'t>) -> Result<Option<Line<'t>>> {
        if self.sections.iter().any(|section| section.tag == Tag::Feature) {
            return Err(Error::new(&heading.at, "`Features:` stands here twice"));
        }
        let mut next = self.line()?;
        while next.as_ref().is_some_and(|line| line.text.is_empty()) {
            next = self.line()?;
        }
        match &next {
            Some(line) if entry(line.text).is_some() => self.entries(Tag::Feature, next),
            Some(Line { at, .. }) => Err(Error::new(at, "`Features:` wants `@feature:` entries")),
            None => Err(Error::new(&self.latest, "`Features:` wants `@feature:` entries")),
        }
    }

    /// Entries that follow each other.
    fn entries(&mut self, tag: Tag, mut next: Option<Line<'t>>) -> Result<Option<Line<'t>>> {
        while let Some(line) = &next {
            let Some((name, text)) = entry(line.text) else { break };
            if name.is_empty() {
                return Err(Error::new(&line.at, "a name should stand behind the `@`"));
            }
            if self.sections.iter().any(|section| section.tag == tag && section.name == name) {
                return Err(Error::new(&line.at, format!("`@{name}:` stands here twice")));
            }
            self.open(tag, name, &line.at);
            next = self.indented(text)?;
        }
        Ok(next)
    }

    /// The text of a section: `text` on the line of its tag and the indented lines below. Returns the line after it.
    fn indented(&mut self, text: &str) -> Result<Option<Line<'t>>> {
        if !text.is_empty() {
            self.append(text);
        }
        let mut next = self.line()?;
        if let (true, Some(line)) = (text.is_empty(), &next) {
            // Older releases start the text below its tag without indentation.
            if !line.text.is_empty() && indentation(line.text) == 0 {
                return self.plain_lines(next);
            }
        }
        while next.as_ref().is_some_and(|line| line.text.is_empty()) {
            self.append("");
            next = self.line()?;
        }
        let Some(first) = next else { return Ok(None) };
        let indent = indentation(first.text);
        if indent == 0 {
            return Ok(Some(first));
        }
        self.append(first.text);
        // QEMU minds only the second line: from the third on, less indentation ends the section without a complaint.
        let mut second = true;
        while let Some(line) = self.line()? {
            if entry(line.text).is_some() {
                return Ok(Some(line));
            }
            if !line.text.is_empty() && indentation(line.text) < indent {
                if second {
                    return Err(Error::new(
                        &line.at,
                        format!("at least {indent} spaces should stand before this text"),
                    ));
                }
                return Ok(Some(line));
            }
            self.append(line.text);
            second = false;
        }
        Ok(None)
    }

    /// Text that belongs to no section, up to a blank line.
    fn paragraph(&mut self, line: Line<'t>) -> Result<Option<Line<'t>>> {
        // Indented text that has fallen out of a section for having less of it than before is still about that section.
        match self.sections.last() {
            Some(last) if last.tag == Tag::Plain || indentation(line.text) > 0 => self.append(""),
            _ => self.open(Tag::Plain, "", &line.at),
        }
        self.plain_lines(Some(line))
    }

    /// Adds lines up to a blank one. QEMU 10 hears of tags and entries behind a blank line only; older ones anywhere.
    fn plain_lines(&mut self, mut next: Option<Line<'t>>) -> Result<Option<Line<'t>>> {
        while let Some(line) = &next {
            if line.text.is_empty() || opens_section(line.text) {
                break;
            }
            self.append(line.text);
            next = self.line()?;
        }
        Ok(next)
    }

    /// The text of a note or an example that has nothing on the line of its tag: all up to the next tag or entry, or,
    /// if it starts with indentation, up to a paragraph without.
    fn up_to_section(&mut self) -> Result<Option<Line<'t>>> {
        let mut next = self.line()?;
        let (mut indented, mut after_blank) = (None, false);
        while let Some(line) = &next {
            let blank = line.text.is_empty();
            let flush = !blank && indentation(line.text) == 0;
            if opens_section(line.text) || (flush && after_blank && indented == Some(true)) {
                break;
            }
            if !blank {
                indented.get_or_insert(!flush);
            }
            after_blank = blank;
            self.append(line.text);
            next = self.line()?;
        }
        Ok(next)
    }

    /// A block that belongs to no definition.
    fn free_form(&mut self, mut next: Option<Line<'t>>) -> Result<()> {
        while let Some(line) = next {
            if let Some((name, _)) = entry(line.text) {
                let message = format!("`@{name}:` stands in a block that belongs to no definition");
                return Err(Error::new(&line.at, message));
            }
            self.append(line.text);
            next = self.line()?;
        }
        Ok(())
    }

    /// The next line; `None` for the `##` that closes the block.
    fn line(&mut self) -> Result<Option<Line<'t>>> {
        let token = self.lexer.next(Comments::Keep)?;
        let at = token.at;
        self.latest = at.clone();
        let Kind::Comment(comment) = token.kind else {
            return Err(Error::new(&at, "the doc block should be closed by `##` before this"));
        };
        if comment.starts_with("##") {
            return match comment {
                "##" => Ok(None),
                _ => Err(Error::new(&at, "a doc block closes with `##` and nothing else on the line")),
            };
        }
        let text = match comment.strip_prefix("# ") {
            Some(text) => text.trim_end_matches(is_space),
            None if comment == "#" => "",
            None => return Err(Error::new(&at, "a space should stand behind the `#`")),
        };
        // A build script shows nobody what it warns of.
        let problems = if cfg!(feature = "tools") { self.style.check(text) } else { Vec::new() };
        for (offset, message) in &problems {
            let column = at.column.saturating_add(offset + if *offset == 0 { 0 } else { 2 });
            self.warnings.push(Error::new(&Location { column, ..at.clone() }, message.as_str()));
        }
        Ok(Some(Line { text, at }))
    }

    fn open(&mut self, tag: Tag, name: &str, at: &Location) {
        self.sections.push(Draft { tag, name: name.into(), at: at.clone(), text: String::new() });
    }

    fn open_once(&mut self, tag: Tag, name: &str, at: &Location) -> Result<()> {
        if tag != Tag::Other && self.sections.iter().any(|section| section.tag == tag) {
            return Err(Error::new(at, format!("`{name}:` stands here twice")));
        }
        self.open(tag, name, at);
        Ok(())
    }

    /// Adds a line to the section that was opened last.
    fn append(&mut self, line: &str) {
        if let Some(section) = self.sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
}

impl Block {
    /// Looks into the sections.
    pub(crate) fn finish(self) -> Result<Doc> {
        let mut doc = Doc { at: Some(self.at), symbol: self.symbol, ..Doc::default() };
        for (index, section) in self.sections.into_iter().enumerate() {
            let Draft { tag, name, at, text } = section;
            let text = if tag == Tag::Plain { text.trim_matches('\n').into() } else { unindent(&text) };
            if tag != Tag::Plain && text.is_empty() {
                return Err(Error::new(&at, format!("nothing is said about `{name}`")));
            }
            match tag {
                Tag::Plain if index == 0 => doc.summary = text,
                Tag::Plain => doc.other.push(text),
                Tag::Other => doc.other.push(format!("{name}: {text}")),
                Tag::Member | Tag::Feature => {
                    let (text, since) = since::split(&text);
                    let list = if tag == Tag::Member { &mut doc.members } else { &mut doc.features };
                    list.push(Entry { name, at, text, since });
                }
                Tag::Returns => doc.returns = Some(Section { at, text }),
                Tag::Errors => doc.errors = Some(Section { at, text }),
                Tag::Since => {
                    let release = since::leading_release(&text);
                    doc.since = release.map(|(release, _)| release.into());
                    // Whatever else it says is kept as a sentence of its own.
                    if !matches!(release, Some((_, ""))) {
                        let mut sentence = String::from("Since");
                        for word in text.split_whitespace() {
                            add(&mut sentence, " ", word);
                        }
                        doc.other.push(sentence);
                    }
                }
            }
        }
        Ok(doc)
    }
}

/// The name on a line such as `@name:`, which must stand alone.
fn symbol<'t>(line: &Line<'t>) -> Result<&'t str> {
    match line.text.strip_prefix('@').and_then(|name| name.strip_suffix(':')) {
        None => Err(Error::new(&line.at, "a `:` should end this line, which names a definition")),
        Some("") => Err(Error::new(&line.at, "a name should stand behind the `@`")),
        Some(name) => Ok(name),
    }
}

/// Splits `@name: text`. Where white space stands before the colon it is a sentence that starts with a reference.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, text) = line.strip_prefix('@')?.split_once(':')?;
    (!name.chars().any(is_space)).then(|| (name, text.trim_start_matches(' ')))
}

/// Splits `Tag: text`. Two colons make a reStructuredText directive and no tag.
fn tagged(line: &str) -> Option<(Tag, &str, &str)> {
    let (name, text) = line.split_once(':')?;
    let tag = match name {
        "Returns" => Tag::Returns,
        "Errors" => Tag::Errors,
        "Since" => Tag::Since,
        "Note" | "Notes" | "Example" | "Examples" | "TODO" => Tag::Other,
        _ => return None,
    };
    (!text.starts_with(':')).then(|| (tag, name, text.trim_start_matches(' ')))
}

/// Returns whether the line can open a section in the block of a definition.
fn opens_section(line: &str) -> bool {
    line == "Features:" || entry(line).is_some() || tagged(line).is_some()
}

/// White space before the text, in characters.
pub(crate) fn indentation(line: &str) -> usize {
    let mut count = 0;
    for letter in line.chars() {
        if !is_space(letter) {
            break;
        }
        count += 1;
    }
    count
}

/// Takes away the white space that all lines but the first start with, and blank lines around the text.
fn unindent(text: &str) -> String {
    let text = text.trim_matches('\n');
    let mut common = None;
    for (index, line) in text.lines().enumerate() {
        if index > 0 && !line.is_empty() {
            common = Some(indentation(line).min(common.unwrap_or(usize::MAX)));
        }
    }
    let common = common.unwrap_or(0);
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        let drop = if index == 0 { indentation(line) } else { common };
        out.push_str(if index > 0 { "\n" } else { "" });
        let mut letters = line.chars();
        for _ in 0..drop {
            letters.next();
        }
        out.push_str(letters.as_str());
    }
    out
}
