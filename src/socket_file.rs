//! The file that a listening Unix socket leaves behind, for whichever client.
//!
//! Never removes a file that this process has not made.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The file of a listening Unix socket, removed with this value unless somebody has put another one in its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and number.
    identity: (u64, u64),
}

impl SocketFile {
    /// Of a socket that was bound to this path just now.
    pub(crate) fn new(path: PathBuf) -> io::Result<Self> {
        Ok(SocketFile { identity: Self::identity(&path)?, path })
    }

    fn identity(path: &Path) -> io::Result<(u64, u64)> {
        let file = fs::symlink_metadata(path)?;
        Ok((file.dev(), file.ino()))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if Self::identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // If it cannot be removed, it stays; there is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}
