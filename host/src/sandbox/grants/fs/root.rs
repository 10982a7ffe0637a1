//! A granted folder, opened once when the policy is loaded.
//!
//! Not here: what a call does with it. Invariant: the folder stays the one that was opened, whatever
//! happens to its name afterwards.

use crate::policy::FsGrant;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a granted folder cannot be opened; for the operator, never for a guest.
#[derive(Debug, thiserror::Error)]
pub enum FsGrantError {
    /// There is nothing at that path.
    #[error("the granted folder `{}` does not exist: create it, or correct `host` in the grant", .0.display())]
    Missing(PathBuf),
    /// A file, or something else, stands there.
    #[error("the granted path `{}` is not a folder: grant the folder that holds it", .0.display())]
    NotAFolder(PathBuf),
    /// The operating system refuses.
    #[error("the granted folder `{}` cannot be opened: {source}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// An open granted folder with its grant. Clones share it.
#[derive(Debug, Clone)]
pub struct Root {
    pub(super) fd: Arc<OwnedFd>,
    pub(super) grant: Arc<FsGrant>,
}

impl Root {
    /// Opens the grant's host folder; a relative one starts at the policy's folder. Links in the
    /// operator's own path are followed.
    ///
    /// # Errors
    /// When the folder is missing, is not a folder, or cannot be opened.
    pub fn open(grant: &FsGrant, policy_dir: &Path) -> Result<Self, FsGrantError> {
        let path = policy_dir.join(&grant.host);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match open(&path, flags, Mode::empty()) {
            Ok(fd) => Ok(Self { fd: Arc::new(fd), grant: Arc::new(grant.clone()) }),
            Err(Errno::NOENT) => Err(FsGrantError::Missing(path)),
            Err(Errno::NOTDIR) => Err(FsGrantError::NotAFolder(path)),
            Err(errno) => Err(FsGrantError::Unreadable { path, source: errno.into() }),
        }
    }

    /// The grant that opened it.
    pub fn grant(&self) -> &FsGrant {
        &self.grant
    }
}
