//! Replacing a file whole: a policy, a component.
//!
//! Not here: what is written. Invariants: whoever reads the file finds what it was or what it is to be, never a part; a
//! link stays a link, and a mode stays; what cannot be put in place does not stay beside it.

use super::CliError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Names tried for what is written beside; each that is taken is another program's, or was left by one that died.
const DRAFTS_MAX: u32 = 100;

/// Puts these bytes in the place of the file, or makes it; they are on the disk then.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> Result<(), CliError> {
    put(file, bytes)
        .map_err(|error| CliError::Io(io::Error::other(format!("cannot write {}: {error}", file.display()))))
}

/// Waits until nobody else is between reading the file and replacing it; nobody is while what it gives lives. `None`
/// where the file system knows no locks.
pub(super) fn turn(file: &Path) -> Option<File> {
    let folder = File::open(place(file).ok()?.parent()?).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

fn put(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let place = place(file)?;
    let (beside, draft) = draft(&place)?;
    let written = fill(draft, bytes, &place).and_then(|()| fs::rename(&beside, &place));
    if written.is_err() {
        // The first error is the one to say.
        let _ = fs::remove_file(&beside);
    }
    written?;
    place.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Where the file is, or is to be, without links.
fn place(file: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            let name = file.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
            Ok(fs::canonicalize(folder.unwrap_or(Path::new(".")))?.join(name))
        }
        found => found.and_then(|_| fs::canonicalize(file)),
    }
}

/// A new file beside the place, which no other program writes to.
fn draft(place: &Path) -> io::Result<(PathBuf, File)> {
    for number in 0..DRAFTS_MAX {
        let mut name = place.as_os_str().to_owned();
        name.push(format!(".{}-{number}.tmp", std::process::id()));
        let beside = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (beside, file)),
        }
    }
    Err(io::Error::other("too many files that end in .tmp lie beside it; remove them"))
}

fn fill(mut draft: File, bytes: &[u8], place: &Path) -> io::Result<()> {
    match fs::metadata(place) {
        Ok(found) if found.is_file() => draft.set_permissions(found.permissions())?,
        Ok(_) => return Err(io::Error::other("not a regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    draft.write_all(bytes)?;
    draft.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_stays_a_link_and_a_mode_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [real, link] = ["real.toml", "link.toml"].map(|name| folder.path().join(name));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("real.toml", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["link.toml", "real.toml"], "nothing else is left");
    }

    #[test]
    fn what_cannot_be_replaced_is_named_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        symlink("nowhere", folder.path().join("b")).unwrap();
        for name in ["a", "b", "none/c"] {
            let Err(CliError::Io(error)) = replace(&folder.path().join(name), b"new") else {
                panic!("{name} is replaced")
            };
            assert!(error.to_string().contains(&format!("{name}: ")), "{error}");
        }
        assert_eq!(names(folder.path()), ["a", "b"]);
    }

    #[test]
    fn what_another_program_left_beside_it_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.toml");
        let left = format!("p.toml.{}-0.tmp", std::process::id());
        fs::write(folder.path().join(&left), "theirs").unwrap();
        replace(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["p.toml".to_owned(), left]);
    }
}
