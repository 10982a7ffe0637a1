//! The links of a page, each with a number that stands in the Markdown in place of its address. Not a check
//! of where they lead.
//!
//! Invariant: an address is listed once; only addresses that a person could open by hand are listed.

use crate::tree::{attribute, descendants, tag, text};
use htmd::Node;
use markup5ever_rcdom::NodeData;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// Links listed of a page.
const LINKS_MAX: usize = 200;

/// Characters of an address; a longer one carries data rather than leading somewhere.
const URL_CHARS_MAX: usize = 1_000;

/// Characters of a link's text.
const TEXT_CHARS_MAX: usize = 120;

/// One link.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Link {
    /// Where the Markdown has `[text][number]`.
    number: usize,
    /// What it is called on the page, where it stands first.
    text: String,
    /// The address as the page gives it: it may be relative to the page's own.
    url: String,
}

/// Lists the links, and puts each one's number in the place of its address.
pub(crate) fn number(document: &Rc<Node>) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for node in descendants(document) {
        if tag(&node) != Some("a") {
            continue;
        }
        let url = attribute(&node, "href").and_then(|href| address(&href));
        let known = url.as_ref().and_then(|url| links.iter().find(|link| link.url == *url));
        let number = match (known, url) {
            (Some(link), _) => Some(link.number),
            (None, Some(url)) if links.len() < LINKS_MAX => {
                let number = links.len().saturating_add(1);
                links.push(Link { number, text: text(&node, TEXT_CHARS_MAX), url });
                Some(number)
            }
            _ => None,
        };
        replace(&node, number);
    }
    links
}

/// An address to list: on the web, a mail or telephone one, or one relative to the page. Not a place in the
/// page itself, and nothing that runs or carries data.
fn address(href: &str) -> Option<String> {
    let url: String = href.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let before_path = url.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme = before_path.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let opens = matches!(scheme.as_deref(), None | Some("http" | "https" | "mailto" | "tel"));
    let leads = !url.is_empty() && !url.starts_with('#') && url.chars().count() <= URL_CHARS_MAX;
    (opens && leads).then_some(url)
}

fn replace(node: &Node, number: Option<usize>) {
    if let NodeData::Element { attrs, .. } = &node.data {
        let mut attributes = attrs.borrow_mut();
        for attribute in attributes.iter_mut().filter(|attribute| &*attribute.name.local == "href") {
            attribute.value = number.map(|number| number.to_string()).unwrap_or_default().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_can_be_opened_by_hand_are_listed() {
        for href in [
            "https://a.example/x?y=1",
            "HTTP://a.example",
            "mailto:a@b.example",
            "/kb/1",
            "page.html",
            "?q=a:b",
            " /a\n/b",
        ] {
            assert!(address(href).is_some(), "{href}");
        }
        for href in [
            "",
            "#top",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(address(href).is_none(), "{href}");
        }
        assert!(address(&format!("https://a.example/?{}", "x".repeat(2_000))).is_none());
    }
}
