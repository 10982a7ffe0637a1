//! `toolgate sanitize`: the sanitizer as a filter.
//!
//! Shape: `{"output","text","findings","taint","truncated"}`, one document, or one a line with `--jsonl`.

use super::{CliError, Console};
use serde_json::Value;
use std::io::{BufRead, Read};
use std::path::PathBuf;
use toolgate::sanitizer::filter::{Input, document, unreadable};
use toolgate::sanitizer::{Bounds, Sanitizer};
use toolgate::schema::strict;

/// Bytes read as one text, and of one line.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// Clean what is read from stdin, as every tool result is cleaned.
#[derive(Debug, clap::Args)]
pub(super) struct Sanitize {
    /// Take the bounds from this policy.
    #[arg(long, short, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Read one JSON value a line, and write one document a line.
    #[arg(long)]
    jsonl: bool,
}

impl Sanitize {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let sanitizer = match &self.policy {
            Some(path) => Sanitizer::new(Bounds::from(&toolgate::opening::load_policy(path)?.0.sanitize)),
            None => Sanitizer::new(Bounds::default()),
        };
        let mut input = std::io::stdin().lock();
        if self.jsonl {
            return lines(&sanitizer, &mut input, console);
        }
        let mut text = Vec::new();
        input.take(INPUT_BYTES_MAX + 1).read_to_end(&mut text)?;
        refuse_too_large(&text)?;
        console.line(document(&sanitizer, Input::Text(&text)).to_string())?;
        Ok(0)
    }
}

fn lines(sanitizer: &Sanitizer, input: &mut impl BufRead, console: &mut Console) -> Result<u8, CliError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(INPUT_BYTES_MAX + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok(0);
        }
        refuse_too_large(&line)?;
        let line = line.trim_ascii();
        if !line.is_empty() {
            console.line(one(sanitizer, line).to_string())?;
        }
    }
}

/// A line that is no JSON gives its error in its place, so that the documents stay in step with the lines.
fn one(sanitizer: &Sanitizer, line: &[u8]) -> Value {
    match strict::parse(line, &strict::Caps { bytes_max: line.len(), ..strict::Caps::default() }) {
        Ok(value) => document(sanitizer, Input::Json(value)),
        Err(error) => unreadable(&error.to_string()),
    }
}

fn refuse_too_large(bytes: &[u8]) -> Result<(), CliError> {
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(CliError::Usage(format!(
            "the input is over {} MiB; give it in parts",
            INPUT_BYTES_MAX >> 20
        )));
    }
    Ok(())
}
