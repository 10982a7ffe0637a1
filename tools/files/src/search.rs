//! `search_files`: lines that match a regular expression. Not an index: it reads what it searches.
//!
//! Invariant: at most `limit` matches and a bounded number of bytes, and what was not searched is said.

use crate::missing;
use crate::names::{Names, PATTERN_BYTES_MAX};
use crate::text::{self, TEXT_BYTES_MAX, TextError};
use crate::walk::{Kind, Walk};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Serialize;
use std::fs;
use toolgate_sdk::{Failure, tool};

/// Matches, when not chosen.
const LIMIT: usize = 50;

/// Levels that a search goes down.
const DEPTH_MAX: usize = 20;

/// Characters of a line in the answer: a longer one is cut around the match.
const LINE_CHARS_MAX: usize = 300;

/// Files that are named as not searched.
const SKIPPED_SHOWN_MAX: usize = 20;

/// What was found.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Found {
    /// By file and line.
    matches: Vec<Match>,
    /// Files looked into.
    files_searched: usize,
    /// Files and folders that could not be searched: binary, too large, or refused. At most 20 are named.
    skipped: Vec<String>,
    /// True when there may be more matches: narrow the search, or raise `limit`.
    truncated: bool,
}

/// A line that matches.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Match {
    /// The file.
    path: String,
    /// The line, from 1.
    line: usize,
    /// The line's text, cut around the match when it is long.
    text: String,
    /// Lines before it, as many as `context` asks for.
    before: Vec<String>,
    /// Lines after it.
    after: Vec<String>,
}

/// Searches text files for lines that match a regular expression, and returns them with their line numbers.
/// Use it to find where something is, then read_file around that line.
#[tool(needs(fs))]
pub(crate) fn search_files(
    /// The regular expression, matched within each line: "refund(s|ed)?", "^## ". No look-around, no
    /// back-references. Put a backslash before . ( ) [ ] * + ? to mean the character.
    #[schemars(length(min = 1, max = 1000))]
    pattern: String,
    /// The folder to search, with all folders in it, or one file. Everything that you may read when left out.
    path: Option<String>,
    /// Only files whose name matches, with * for any characters and ? for any one: *.md
    #[schemars(length(max = 200))]
    name: Option<String>,
    /// Take capital and small letters for the same.
    #[serde(default)]
    ignore_case: bool,
    /// Also files and folders whose name begins with a dot.
    #[serde(default)]
    hidden: bool,
    /// Lines to show before and after each match.
    #[serde(default)]
    #[schemars(range(max = 5))]
    context: usize,
    /// The most matches to return.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 500))]
    limit: usize,
) -> Result<Found, Failure> {
    let pattern = RegexBuilder::new(&pattern)
        .case_insensitive(ignore_case)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| refused(&error))?;
    let names = Names::read(name.as_deref())?;
    let mut search = Search { pattern, context, limit, bytes: 0, found: Found::default() };
    for path in path.map_or_else(missing::granted, |path| vec![path]) {
        if fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            let content = text::read(&path).map_err(|error| error.about(&path))?;
            search.file(&path, &content);
        } else {
            search.folder(&path, &names, hidden)?;
        }
    }
    Ok(search.found)
}

fn limit() -> usize {
    LIMIT
}

/// The last line of the crate's message says what is wrong; the others draw it.
fn refused(error: &regex::Error) -> Failure {
    let message = error.to_string();
    let problem = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
    Failure::invalid_input(format!(
        "`pattern` is no regular expression of this tool: {problem}; to search for text as it is, put a backslash \
         before each of . ( ) [ ] {{ }} * + ? ^ $ | \\"
    ))
}

/// A search on its way.
struct Search {
    pattern: Regex,
    context: usize,
    limit: usize,
    /// Bytes of text found so far.
    bytes: usize,
    found: Found,
}

impl Search {
    fn folder(&mut self, folder: &str, names: &Names, hidden: bool) -> Result<(), Failure> {
        let mut walk =
            Walk::new(folder, DEPTH_MAX, hidden).map_err(|error| missing::unreadable(folder, &error))?;
        for entry in walk.by_ref() {
            if self.found.truncated {
                break;
            }
            if entry.kind != Kind::File || !names.take(&entry.path) {
                continue;
            }
            match text::read(&entry.path) {
                Ok(content) => self.file(&entry.path, &content),
                Err(error) => self.skip(entry.path, reason(&error)),
            }
        }
        for folder in walk.incomplete {
            self.skip(folder, "not listed whole");
        }
        Ok(())
    }

    fn skip(&mut self, path: String, reason: &str) {
        if self.found.skipped.len() < SKIPPED_SHOWN_MAX {
            self.found.skipped.push(format!("{path}: {reason}"));
        }
    }

    fn file(&mut self, path: &str, content: &str) {
        self.found.files_searched = self.found.files_searched.saturating_add(1);
        let lines: Vec<_> = content.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some(at) = self.pattern.find(line) else { continue };
            if self.found.matches.len() == self.limit || self.bytes > TEXT_BYTES_MAX {
                self.found.truncated = true;
                return;
            }
            let after = index.saturating_add(1);
            let found = Match {
                path: path.to_owned(),
                line: after,
                text: clip(line, at.start()),
                before: clipped(lines.get(index.saturating_sub(self.context)..index)),
                after: clipped(lines.get(after..lines.len().min(after.saturating_add(self.context)))),
            };
            let texts = found.before.iter().chain(&found.after).chain([&found.path, &found.text]);
            self.bytes = texts.map(String::len).fold(self.bytes, usize::saturating_add);
            self.found.matches.push(found);
        }
    }
}

fn reason(error: &TextError) -> &'static str {
    match error {
        TextError::Binary => "binary",
        TextError::TooLarge(_) => "too large",
        TextError::Io(_) | TextError::Folder | TextError::NotRegular => "cannot be read",
    }
}

fn clipped(lines: Option<&[&str]>) -> Vec<String> {
    lines.unwrap_or_default().iter().map(|line| clip(line, 0)).collect()
}

/// The part of a long line around byte `at`, with `…` where something is left out.
fn clip(line: &str, at: usize) -> String {
    let length = line.chars().count();
    if length <= LINE_CHARS_MAX {
        return line.to_owned();
    }
    let before = line.char_indices().take_while(|(index, _)| *index < at).count();
    let first = before.saturating_sub(LINE_CHARS_MAX / 3).min(length.saturating_sub(LINE_CHARS_MAX));
    let part: String = line.chars().skip(first).take(LINE_CHARS_MAX).collect();
    let (left, right) = (first > 0, first.saturating_add(LINE_CHARS_MAX) < length);
    format!("{}{part}{}", if left { "…" } else { "" }, if right { "…" } else { "" })
}

#[cfg(test)]
mod tests;
