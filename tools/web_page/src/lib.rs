//! Web pages as clean Markdown, with their links as a list. Not a browser: nothing is fetched and no script
//! runs, so a page arrives as it was sent.
//!
//! Invariant: what a person would not see on the page is not in the Markdown, and is counted. Characters are
//! left as they are: which of them a model may see is the host's sanitizer's business.

mod hidden;
mod links;
mod markdown;
mod page;
mod prune;
mod tree;

toolgate_sdk::component!(page::web_page_to_markdown);
