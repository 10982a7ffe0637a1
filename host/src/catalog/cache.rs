//! The compiled cache: native code by component digest, authenticated.
//!
//! Loading native code runs whatever it says, so an entry is believed only under a keyed MAC
//! (HMAC-SHA-256, RFC 2104) whose key lies beside the cache folder, not in it, readable by the owner
//! alone. An entry is read into memory, verified, and only then loaded. Invariant: a missing, damaged or
//! foreign entry means compiling again, never loading.

use super::CatalogError;
use crate::call::hex;
use crate::regular::open_regular;
use crate::sandbox::Definition;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions as EntryOptions, OpenOptionsExt as _};
use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the largest entry that is read.
const ENTRY_BYTES_MAX: u64 = 512 << 20;
/// Bytes of the MAC in front of each entry.
const MAC_BYTES: usize = 32;

/// A cache folder and its key. Entries are reached through the open folder alone, so no name in it leads out.
pub struct Cache {
    path: PathBuf,
    folder: Dir,
    key: [u8; 32],
    compatibility: String,
}

/// What an entry holds.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What the component said of its tools when it was first loaded.
    pub definitions: Vec<Definition>,
    /// Native code for [`crate::sandbox::Sandbox::load`].
    pub code: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    digest: [u8; 32],
    compatibility: String,
    definitions: Vec<Definition>,
}

impl Cache {
    /// Opens the cache in `folder`, making the folder (0700) and the key (0600) when missing.
    ///
    /// # Errors
    /// When the folder or the key cannot be made or read, or belong to somebody else.
    pub fn open(folder: &Path, compatibility: String) -> Result<Self, CatalogError> {
        let failed = |error| CatalogError::Cache { path: folder.to_owned(), error };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        if std::fs::metadata(folder).is_ok_and(|found| !found.is_dir()) {
            let why = "it is not a folder; move it away, or name another one in `cache`";
            return Err(failed(std::io::Error::other(why)));
        }
        made.map_err(failed)?;
        let metadata = std::fs::metadata(folder).map_err(failed)?;
        let user = rustix::process::geteuid().as_raw();
        if metadata.uid() != user || metadata.mode() & 0o022 != 0 {
            let why = "the folder must belong to you and be writable by nobody else (chmod 700)";
            return Err(failed(std::io::Error::other(why)));
        }
        let key_path = folder.with_extension("key");
        let key = key(&key_path).map_err(|error| CatalogError::Cache { path: key_path, error })?;
        let dir = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
        Ok(Self { path: folder.to_owned(), folder: dir, key, compatibility })
    }

    /// The entry of a component, or `None` when there is none that can be believed.
    pub fn read(&self, digest: &[u8; 32]) -> Option<Entry> {
        // What is no regular file is no entry: opening must not wait for whoever writes to a FIFO.
        let mut options = EntryOptions::new();
        options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let file = self.folder.open_with(self.name(digest), &options).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(ENTRY_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        let (tag, body) = bytes.split_at_checked(MAC_BYTES)?;
        self.mac(body)?.verify_slice(tag).ok()?;
        let (length, rest) = body.split_first_chunk::<8>()?;
        let (head, code) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let head: Head = serde_json::from_slice(head).ok()?;
        let ours = head.digest == *digest && head.compatibility == self.compatibility;
        ours.then(|| Entry { definitions: head.definitions, code: code.to_vec() })
    }

    /// Keeps an entry: written beside, synced, renamed into place.
    ///
    /// # Errors
    /// When the folder cannot be written. The caller goes on without a cache entry.
    pub fn write(&self, digest: &[u8; 32], entry: &Entry) -> Result<(), CatalogError> {
        let name = self.name(digest);
        let failed = |error| CatalogError::Cache { path: self.path.join(&name), error };
        let head = Head {
            digest: *digest,
            compatibility: self.compatibility.clone(),
            definitions: entry.definitions.clone(),
        };
        let head = serde_json::to_vec(&head).map_err(|error| failed(error.into()))?;
        let mut body = (head.len() as u64).to_le_bytes().to_vec();
        body.extend_from_slice(&head);
        body.extend_from_slice(&entry.code);
        let tag =
            self.mac(&body).ok_or_else(|| failed(std::io::Error::other("the key has no length")))?.finalize();
        let beside = format!("{name}.{}", unfinished());
        let write = || -> std::io::Result<()> {
            let mut options = EntryOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = self.folder.open_with(&beside, &options)?;
            file.write_all(&tag.into_bytes())?;
            file.write_all(&body)?;
            file.sync_all()?;
            self.folder.rename(&beside, &self.folder, &name)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|error| {
            // The entry is only a saving; what could not be renamed must not lie about.
            let _ = self.folder.remove_file(&beside);
            failed(error)
        })
    }

    fn name(&self, digest: &[u8; 32]) -> String {
        format!("{}-{}.bin", hex(digest), self.compatibility)
    }

    fn mac(&self, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).ok()?;
        mac.update(body);
        Some(mac)
    }
}

/// The ending of a file that is being written: no other writer of this machine has it, not even another
/// gate of this process.
fn unfinished() -> String {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}.tmp", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed))
}

/// Reads the key, or makes one. Two hosts may race here: whoever links first wins, both use that key.
fn key(path: &Path) -> std::io::Result<[u8; 32]> {
    for _ in 0..2 {
        match read_key(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(path)?,
            read => return read,
        }
    }
    Err(std::io::Error::other("the key disappears as soon as it is made"))
}

fn read_key(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = open_regular(path)?;
    let metadata = file.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
        return Err(std::io::Error::other(
            "the key must belong to you and be readable by nobody else (chmod 600)",
        ));
    }
    let mut key = [0; 32];
    file.read_exact(&mut key)
        .map_err(|_| std::io::Error::other("the key is cut short; remove it, and it is made anew"))?;
    Ok(key)
}

fn make_key(path: &Path) -> std::io::Result<()> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
    let beside = path.with_extension(format!("key.{}", unfinished()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
