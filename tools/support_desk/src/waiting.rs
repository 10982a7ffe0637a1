//! Waiting for a file that somebody else writes. Not giving up: the call's deadline does that.
//!
//! Invariant: only a file that is not there is waited for; one that cannot be read is an error at once.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// The text of the file, once it is there.
pub(crate) fn for_text(file: &Path) -> io::Result<String> {
    loop {
        match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => thread::sleep(PAUSE),
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_while_somebody_waits_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let (part, whole) = (folder.path().join("part"), folder.path().join("whole"));
        fs::write(&part, "yes").expect("a file");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| for_text(&whole));
            fs::rename(&part, &whole).expect("a name");
            assert_eq!(waiting.join().expect("no panic").expect("a text"), "yes");
        });
    }

    #[test]
    fn a_folder_in_its_place_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(for_text(folder.path()).is_err());
    }
}
