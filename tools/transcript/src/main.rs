//! Checks a recorded QMP conversation, as the library of this crate does, and prints what it found.
//!
//! ```text
//! socat - UNIX-CONNECT:/run/vm.qmp | sed 's/^/<- /' | cargo run -p qemu-qmp-transcript -- --pretty
//! ```

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use transcript::api::Api;
use transcript::conversation::Conversation;
use transcript::report::{self, Colours, Summary};

const HELP: &str = "\
Checks a recorded QMP conversation against the types of qemu-qmp.

Usage: transcript [--schema qmp|qga] [--pretty] [--quiet] < conversation

Input: one message a line, `-> ` in front of what the client sent, `<- ` in front of what the server sent.
A reply belongs to the command with its id, or else to the oldest command that waits for one. Blank lines count, and are
no messages.

Output: one line of JSON for each message,
  {\"line\":N,\"kind\":K,\"name\":S,\"ok\":true,\"json\":J,\"unrecognized\":[P,...]}
  {\"line\":N,\"kind\":K,\"name\":S,\"ok\":false,\"error\":S}
kind          greeting, command, reply, error, event, or malformed
name          the command's or the event's; null where it is not known
json          arguments, return value, error or data, decoded and encoded again
unrecognized  paths of values, branches and members that the types do not know, such as `.inserted.file`;
              an empty path where they do not know the command or event at all

Options:
  --schema qmp  the system emulator's and the storage daemon's commands and events (default)
  --schema qga  the guest agent's commands
  --pretty      lines for people instead of JSON, in colour on a terminal unless NO_COLOR is set
  --quiet       no summary on standard error
  --help        this text

Exit status: 0 if every message fits, 1 if one does not, 2 if the arguments are wrong or the input cannot be read.
";

/// What the arguments ask for.
struct Options {
    api: fn() -> Api,
    pretty: bool,
    quiet: bool,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("transcript: {message}; see --help");
            return ExitCode::from(2);
        }
    };
    match check(&options, io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        // The reader of the output has closed it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transcript: {error}");
            ExitCode::from(2)
        }
    }
}

/// `None` where help is wanted.
fn options(arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { api: Api::qmp, pretty: false, quiet: false };
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        match (name, value) {
            ("--schema", value) => match value.or_else(|| arguments.next()).as_deref() {
                Some("qmp") => options.api = Api::qmp,
                Some("qga") => options.api = Api::qga,
                _ => return Err("--schema is qmp or qga".to_owned()),
            },
            ("--pretty", None) => options.pretty = true,
            ("--quiet", None) => options.quiet = true,
            ("--help" | "-h", None) => return Ok(None),
            _ => return Err(format!("{argument} is no option")),
        }
    }
    Ok(Some(options))
}

/// Checks the whole input and returns how many messages failed.
fn check(options: &Options, mut input: impl BufRead, out: &mut impl Write) -> io::Result<usize> {
    let colourful = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let colours = Colours(colourful && io::stdout().is_terminal());
    let mut conversation = Conversation::new((options.api)());
    let mut summary = Summary::default();
    let mut line = Vec::new();
    let mut number = 0;
    while input.read_until(b'\n', &mut line)? > 0 {
        number += 1;
        if let Some(finding) = conversation.line(number, &line) {
            summary.add(&finding);
            if options.pretty {
                report::write_pretty(out, colours, number, &finding, &line)?;
            } else {
                report::write_json(out, number, &finding)?;
            }
        }
        line.clear();
    }
    out.flush()?;
    if !options.quiet {
        let colours = Colours(colourful && io::stderr().is_terminal());
        summary.write(&mut io::stderr().lock(), colours, &conversation)?;
    }
    Ok(summary.failed)
}
