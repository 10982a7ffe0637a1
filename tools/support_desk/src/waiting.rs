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
/// That many make a second.
const PAUSES_A_SECOND: u32 = 10;

/// The text of the file, once it is there. Until then `still` is told, at once and each second, for how many seconds
/// nobody has written it.
pub(crate) fn for_text(file: &Path, mut still: impl FnMut(u32)) -> io::Result<String> {
    let mut pauses = 0_u32;
    loop {
        match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            read => return read,
        }
        if pauses.is_multiple_of(PAUSES_A_SECOND) {
            still(pauses / PAUSES_A_SECOND);
        }
        thread::sleep(PAUSE);
        pauses = pauses.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_while_somebody_waits_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("answer");
        let mut told = Vec::new();
        let text = for_text(&file, |seconds| {
            told.push(seconds);
            fs::write(&file, "yes").expect("a file");
        });
        assert_eq!((text.expect("a text").as_str(), told), ("yes", vec![0]));
    }

    #[test]
    fn a_folder_in_its_place_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(for_text(folder.path(), |_| panic!("it waits")).is_err());
    }
}
