//! Secrets: one table of commands, one of members' names, and what text betrays itself.
//!
//! The whole of QEMU's schemas was gone through for this, and so were the commands that QEMU had since 6.0; a test holds it
//! against each new schema. In doubt a value is a secret. This module only decides; it never looks for where a value is.

/// How much of the reply to a command is secret, besides what is secret everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Extent {
    /// Nothing.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "only traces know how much of a reply is secret"))]
    Nothing,
    /// An error's words: they may repeat arguments that are secret.
    Error,
    /// The reply, too. Also if nothing is known about the command.
    #[default]
    All,
}

/// A command with secrets that their members' names do not betray.
pub(crate) struct Row {
    pub(crate) command: &'static str,
    /// Members of its arguments, however deep.
    pub(crate) arguments: &'static [&'static str],
    pub(crate) reply: Extent,
}

const fn row(command: &'static str, arguments: &'static [&'static str], reply: Extent) -> Row {
    Row { command, arguments, reply }
}

/// Errors are masked for all of them, because QEMU's words may repeat an argument.
pub(crate) const COMMANDS: &[Row] = &[
    // Old VNC servers' passwords, before QEMU 6.0.
    row("change", &["arg"], Extent::Error),
    // Passwords are typed by them, and programs are given them as arguments, in the environment and as input. Programs'
    // output and files' contents have names of their own.
    row("guest-exec", &["arg", "env"], Extent::Error),
    row("send-key", &["keys"], Extent::Error),
    // A line such as `change vnc password …` or `object_add secret,…`. Complaints about it are its result.
    row("human-monitor-command", &["command-line"], Extent::All),
    // Commands that a shell, or the system, is to run.
    row("migrate", &["args"], Extent::Error),
    row("migrate-incoming", &["args"], Extent::Error),
    // The value of a secret, and what every other object is given in the same way; up to QEMU 6.0 in a member `props`.
    row("object-add", &["data"], Extent::Error),
    // A secret's value is a property of its object, and can be read.
    row("qom-get", &[], Extent::All),
    row("qom-list-get", &[], Extent::All),
    row("qom-set", &["value"], Extent::Error),
    // What goes over a guest's serial console, passwords included.
    row("ringbuf-read", &[], Extent::All),
    row("ringbuf-write", &["data"], Extent::Error),
    // What unseals the secret, which is encrypted itself.
    row("sev-inject-launch-secret", &["packet-header"], Extent::Error),
];

/// Types of [`COMMANDS`], their arguments' and their replies', with members that are secret, or in types that have such.
pub(crate) const TYPES: &[(&str, &[&str])] = &[
    ("MigrationAddress", &["args"]),
    ("MigrationChannel", &["args"]),
    ("MigrationExecCommand", &["args"]),
    ("ObjectOptions", &["data"]),
    ("ObjectPropertiesValues", &["value"]),
    ("ObjectPropertyValue", &["value"]),
    ("SecretProperties", &["data"]),
];

/// A member is secret whose name has one of these in it. All are without case, hyphens and underscores.
pub(crate) const PARTS: &[&str] =
    &["accesskey", "apikey", "cookie", "credential", "passphrase", "passw", "privatekey", "secret", "token"];

/// A member is secret whose name, behind its last dot, is one of these.
pub(crate) const NAMES: &[&str] = &[
    "authorization",
    // Contents of files in the guest.
    "bufb64",
    // A command line, run when QEMU is replaced by another one.
    "cprexeccommand",
    // Output and input of a program in the guest.
    "errdata",
    "inputdata",
    "outdata",
    // Keys of encryption, and those of a keyboard.
    "key",
    // The key that one of Apple's chips has.
    "osk",
    "pass",
    "pin",
    "psk",
    "pwd",
];

/// Names of members that are no secrets, though they have one of [`PARTS`] in them: ids of secrets.
pub(crate) const REFERENCES: &[&str] =
    &["cookiesecret", "keysecret", "newsecret", "oldsecret", "passwordid", "passwordsecret", "proxypasswordsecret"];

/// Returns whether a member of this name is secret, whatever it is a member of.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let whole = bare(name.as_bytes());
    let last = bare(name.as_bytes().rsplit(|byte| *byte == b'.').next().unwrap_or_default());
    let is_last = |known: &&&str| known.as_bytes() == last;
    if REFERENCES.iter().any(|known| is_last(&known)) {
        return false;
    }
    NAMES.iter().any(|known| is_last(&known)) || PARTS.iter().any(|part| find(&whole, part).is_some())
}

fn bare(name: &[u8]) -> Vec<u8> {
    let mut bare = name.to_ascii_lowercase();
    bare.retain(|byte| !matches!(byte, b'-' | b'_' | b' '));
    bare
}

/// Where a part of a text begins. On bytes, because the standard library's search is more code than all else in here.
pub(crate) fn find(text: &[u8], part: &str) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part.as_bytes())
}

/// Returns whether a string betrays a secret by its form, whatever it is the value of.
pub(crate) fn is_secret_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    // A URL with a user, and perhaps a password, or with parameters, such as the signature that opens a store.
    if find(bytes, "://").is_some_and(|at| bytes.get(at..).unwrap_or_default().iter().any(|b| matches!(b, b'@' | b'?')))
    {
        return true;
    }
    // A command line for a shell, as where to migrate to, or as the other end of a port.
    if bytes.starts_with(b"exec:") || find(bytes, "cmd:").is_some() {
        return true;
    }
    // `json:{…}` for the options of a block device, and the older `rbd:…:key=…`.
    let options = bytes.starts_with(b"json:");
    if options && bytes.contains(&b'\\') {
        return true;
    }
    let mut at = 0;
    while let Some((start, end)) = next_word(text, at) {
        let is_named = options || bytes.get(end) == Some(&b'=');
        if is_named && is_secret_name(text.get(start..end).unwrap_or_default()) {
            return true;
        }
        at = end;
    }
    false
}

/// Where the next word begins and ends: what may be a name, letters beyond ASCII included.
pub(crate) fn next_word(text: &str, at: usize) -> Option<(usize, usize)> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || !byte.is_ascii();
    let rest = text.as_bytes().get(at..)?;
    let start = rest.iter().position(is_word)?;
    let word = rest.get(start..)?;
    let len = word.iter().position(|byte| !is_word(byte)).unwrap_or(word.len());
    Some((at + start, at + start + len))
}

#[cfg(test)]
mod tests;
