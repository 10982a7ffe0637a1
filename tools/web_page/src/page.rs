//! `web_page_to_markdown`: the steps from HTML to the answer. Not the steps themselves.
//!
//! Invariant: the answer is bounded by `max_chars`, and the whole can be read piece by piece.

use crate::links::{self, Link};
use crate::markdown;
use crate::prune::{self, Dropped};
use schemars::JsonSchema;
use serde::Serialize;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use toolgate_sdk::{Failure, tool};

/// Characters of Markdown, when not chosen.
const CHARS: usize = 20_000;

/// The largest page, in bytes: its tree takes about twenty times that.
const PAGE_BYTES_MAX: u64 = 1 << 20;

/// A page for reading.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The page's title.
    title: Option<String>,
    /// The text; a link stands in it as `[text][number]`.
    markdown: String,
    /// Where to read on with `from_char`; null when this is the end of the page.
    next_char: Option<usize>,
    /// The links of the whole page; at most 200.
    links: Vec<Link>,
    /// What was on the page and is left out, counted.
    dropped: Dropped,
}

/// Turns a web page from HTML into clean Markdown with its title and a list of its links. Use it before you
/// read any HTML. Scripts, styles, comments, and whatever the page hides from people are left out and
/// counted. It fetches nothing.
#[tool(needs(fs))]
pub(crate) fn web_page_to_markdown(
    /// The page as HTML text. Give this or `path`.
    #[schemars(length(max = 1_000_000))]
    html: Option<String>,
    /// A file with the page. Give this or `html`.
    path: Option<String>,
    /// The most characters of Markdown to return.
    #[serde(default = "chars")]
    #[schemars(range(min = 500, max = 60_000))]
    max_chars: usize,
    /// Where to begin, in characters of Markdown: `next_char` of the answer before.
    #[serde(default)]
    from_char: usize,
) -> Result<Page, Failure> {
    let html = match (html, path) {
        (Some(html), None) => html,
        (None, Some(path)) => load(&path)?,
        _ => return Err(Failure::invalid_input("give the page by exactly one of `html` and `path`")),
    };
    let converter = markdown::converter();
    let tree = converter.html_to_tree(&html)?;
    let pruned = prune::prune(&tree);
    let links = links::number(&tree);
    let markdown = converter.tree_to_markdown(&tree);
    let length = markdown.chars().count();
    if from_char > 0 && from_char >= length {
        return Err(Failure::invalid_input(format!(
            "the page has {length} characters: `from_char` is beyond its end"
        )));
    }
    let end = from_char.saturating_add(max_chars);
    Ok(Page {
        title: pruned.title,
        markdown: markdown.chars().skip(from_char).take(max_chars).collect(),
        next_char: (end < length).then_some(end),
        links,
        dropped: pruned.dropped,
    })
}

fn chars() -> usize {
    CHARS
}

fn load(path: &str) -> Result<String, Failure> {
    let about = |error: io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::NotADirectory => {
            Failure::not_found(format!(
                "there is no `{path}` that this tool can reach: check the path, or give the page itself as `html`"
            ))
        }
        _ => Failure::from(io::Error::new(error.kind(), format!("`{path}`: {error}"))),
    };
    let file = File::open(path).map_err(about)?;
    if !file.metadata().map_err(about)?.is_file() {
        return Err(Failure::invalid_input(format!("`{path}` is no file: give the path of an HTML file")));
    }
    let mut bytes = Vec::new();
    file.take(PAGE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(about)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > PAGE_BYTES_MAX) {
        return Err(Failure::invalid_input(format!(
            "`{path}` has more than {PAGE_BYTES_MAX} bytes: no page has that"
        )));
    }
    if bytes.contains(&0) {
        return Err(Failure::invalid_input(format!("`{path}` is binary and no web page")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
