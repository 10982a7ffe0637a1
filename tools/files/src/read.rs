//! `read_file`: a range of lines, as they are. Not the whole file into memory: a log of any size can be read.
//!
//! Invariant: the text is the file's own, byte for byte, so that a piece of it can be given to `edit_file`.

use crate::text::{self, TEXT_BYTES_MAX, TextError};
use schemars::JsonSchema;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use toolgate_sdk::{Failure, tool};

/// Lines, when not chosen.
const LINES: usize = 500;

/// Part of a file.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Lines {
    /// The lines as they are in the file, with their ends.
    text: String,
    /// The number of the first line in `text`, from 1.
    first_line: usize,
    /// The number of the last; one less than `first_line` for an empty file.
    last_line: usize,
    /// Where to read on; null at the end of the file.
    next_line: Option<usize>,
    /// True when the last line is too long and only its beginning is given: look into it with search_files.
    cut: bool,
    /// The size of the whole file.
    bytes: u64,
}

/// Reads a text file, whole or by a range of lines. To read on in a long file, call it again with
/// `first_line` set to `next_line` of the answer.
#[tool(needs(fs))]
pub(crate) fn read_file(
    /// The file.
    path: String,
    /// The first line to read, from 1.
    #[serde(default = "first_line")]
    #[schemars(range(min = 1))]
    first_line: usize,
    /// The most lines to read; fewer are given when they are long.
    #[serde(default = "lines")]
    #[schemars(range(min = 1, max = 5000))]
    lines: usize,
) -> Result<Lines, Failure> {
    let about = |error: TextError| error.about(&path);
    let (file, bytes) = text::open(&path).map_err(about)?;
    let mut reader = BufReader::new(file);
    let first_line = first_line.max(1);
    let skipped = skip(&mut reader, first_line.saturating_sub(1)).map_err(|error| about(error.into()))?;
    let taken = take(&mut reader, lines).map_err(|error| about(error.into()))?;
    if taken.count == 0 && first_line > 1 {
        return Err(Failure::invalid_input(format!(
            "`{path}` has {skipped} lines, and `first_line` is {first_line}"
        )));
    }
    let next = first_line.saturating_add(taken.count);
    Ok(Lines {
        text: whole_characters(taken.content, taken.cut).map_err(about)?,
        first_line,
        last_line: next.saturating_sub(1),
        next_line: taken.more.then_some(next),
        cut: taken.cut,
        bytes,
    })
}

fn first_line() -> usize {
    1
}

fn lines() -> usize {
    LINES
}

impl From<io::Error> for TextError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Skips lines; gives how many there were.
fn skip(reader: &mut BufReader<File>, lines: usize) -> io::Result<usize> {
    for skipped in 0..lines {
        if reader.skip_until(b'\n')? == 0 {
            return Ok(skipped);
        }
    }
    Ok(lines)
}

struct Taken {
    content: Vec<u8>,
    count: usize,
    cut: bool,
    more: bool,
}

/// Takes lines until there are enough, or the next one does not fit.
fn take(reader: &mut BufReader<File>, lines: usize) -> io::Result<Taken> {
    let mut taken = Taken { content: Vec::new(), count: 0, cut: false, more: false };
    while taken.count < lines {
        let before = taken.content.len();
        let room = TEXT_BYTES_MAX.saturating_sub(before);
        let read =
            reader.by_ref().take(u64::try_from(room).unwrap_or(0)).read_until(b'\n', &mut taken.content)?;
        let fits = read < room || taken.content.ends_with(b"\n");
        if !fits && taken.count > 0 {
            taken.content.truncate(before);
            taken.more = true;
            return Ok(taken);
        }
        if read == 0 {
            break;
        }
        taken.count = taken.count.saturating_add(1);
        if !fits {
            taken.cut = reader.skip_until(b'\n')? > 0;
            break;
        }
    }
    taken.more = !reader.fill_buf()?.is_empty();
    Ok(taken)
}

/// A cut may fall into a character: that one is left out.
fn whole_characters(mut content: Vec<u8>, cut: bool) -> Result<String, TextError> {
    if cut
        && let Err(error) = str::from_utf8(&content)
        && error.error_len().is_none()
    {
        content.truncate(error.valid_up_to());
    }
    text::text(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::fs;
    use toolgate_sdk::FailureKind;
    use toolgate_sdk::testing::{FakeContext, call};

    fn read(content: &[u8], first_line: usize, lines: usize) -> Result<Value, Failure> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        fs::write(&path, content).expect("a file");
        let arguments = json!({ "path": path, "first_line": first_line, "lines": lines }).to_string();
        let answer = call::<read_file>(&FakeContext::new(), &arguments)?;
        Ok(serde_json::from_str(&answer).expect("JSON"))
    }

    #[test]
    fn a_range_of_lines_comes_as_it_is_with_the_way_on() {
        let answer = read(b"one\r\ntwo\nthree\nfour", 2, 2).expect("two lines");
        let expected = json!({
            "text": "two\nthree\n", "first_line": 2, "last_line": 3, "next_line": 4, "cut": false, "bytes": 19,
        });
        assert_eq!(answer, expected);
        let answer = read(b"one\r\ntwo\nthree\nfour", 4, 9).expect("the last line");
        assert_eq!((&answer["text"], &answer["next_line"]), (&json!("four"), &Value::Null));
    }

    #[test]
    fn an_empty_file_is_empty_and_a_line_beyond_the_end_is_refused_with_the_count() {
        let answer = read(b"", 1, 10).expect("nothing");
        assert_eq!((&answer["text"], &answer["last_line"]), (&json!(""), &json!(0)));
        let failure = read(b"one\ntwo\n", 3, 1).expect_err("two lines");
        assert!(failure.message.contains("has 2 lines"), "{failure}");
    }

    #[test]
    fn binary_files_are_refused() {
        for content in [&b"PK\x03\x04\x00\x00"[..], b"caf\xe9\n", b"\xff\xfeh\x00i\x00"] {
            let failure = read(content, 1, 10).expect_err("binary");
            assert_eq!(failure.kind, FailureKind::InvalidInput);
            assert!(failure.message.contains("not UTF-8 text"), "{failure}");
        }
    }

    #[test]
    fn long_lines_end_the_answer_early_and_a_too_long_one_is_cut_at_a_character() {
        let line = format!("{}\n", "x".repeat(TEXT_BYTES_MAX / 2));
        let answer = read(line.repeat(3).as_bytes(), 1, 3).expect("one line");
        assert_eq!((&answer["last_line"], &answer["next_line"]), (&json!(1), &json!(2)));
        let content = format!("a{}\nend\n", "é".repeat(TEXT_BYTES_MAX));
        let answer = read(content.as_bytes(), 1, 3).expect("a cut line");
        assert_eq!((&answer["cut"], &answer["next_line"]), (&json!(true), &json!(2)));
        assert_eq!(answer["text"].as_str().map(str::len), Some(TEXT_BYTES_MAX - 1));
        assert_eq!(read(content.as_bytes(), 2, 1).expect("the end")["text"], "end\n");
    }

    #[test]
    fn a_line_of_just_the_limit_is_whole() {
        let answer = read("x".repeat(TEXT_BYTES_MAX).as_bytes(), 1, 9).expect("a line");
        assert_eq!((&answer["cut"], &answer["next_line"]), (&json!(false), &Value::Null));
    }

    #[test]
    fn a_folder_is_sent_to_list_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = json!({ "path": folder.path() }).to_string();
        let failure = call::<read_file>(&FakeContext::new(), &arguments).expect_err("a folder");
        assert!(failure.message.contains("list_files"), "{failure}");
    }

    proptest! {
        #[test]
        fn reading_on_gives_the_whole_file(text in "[a-zé\n\r]{0,200}", lines in 1_usize..5) {
            let (mut whole, mut at) = (String::new(), Some(1));
            while let Some(line) = at {
                let part = read(text.as_bytes(), line, lines).expect("a part");
                whole.push_str(part["text"].as_str().expect("text"));
                at = part["next_line"].as_u64().and_then(|line| usize::try_from(line).ok());
            }
            prop_assert_eq!(whole, text);
        }
    }
}
