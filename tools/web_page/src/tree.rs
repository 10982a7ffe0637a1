//! Looking at nodes of a parsed page. Not changing them.
//!
//! Invariant: no recursion, so that a page of any depth can be looked at.

use htmd::Node;
use markup5ever_rcdom::NodeData;
use std::rc::Rc;

/// The name of an element, in small letters; none for another kind of node.
pub(crate) fn tag(node: &Node) -> Option<&str> {
    match &node.data {
        NodeData::Element { name, .. } => Some(&name.local),
        _ => None,
    }
}

/// The value of an element's attribute.
pub(crate) fn attribute(node: &Node, name: &str) -> Option<String> {
    match &node.data {
        NodeData::Element { attrs, .. } => {
            let attributes = attrs.borrow();
            attributes
                .iter()
                .find(|attribute| &*attribute.name.local == name)
                .map(|found| found.value.to_string())
        }
        _ => None,
    }
}

/// A node and everything below it, in the order of the page.
pub(crate) fn descendants(root: &Rc<Node>) -> impl Iterator<Item = Rc<Node>> + use<> {
    let mut ahead = vec![Rc::clone(root)];
    std::iter::from_fn(move || {
        let node = ahead.pop()?;
        ahead.extend(node.children.borrow().iter().rev().map(Rc::clone));
        Some(node)
    })
}

/// The text below a node as it is.
pub(crate) fn whole_text(root: &Rc<Node>) -> String {
    let mut text = String::new();
    for node in descendants(root) {
        if let NodeData::Text { contents } = &node.data {
            text.push_str(&contents.borrow());
        }
    }
    text
}

/// The text below a node, with single spaces, cut after `chars_max` characters.
pub(crate) fn text(root: &Rc<Node>, chars_max: usize) -> String {
    line(&whole_text(root), chars_max)
}

/// A text as one line with single spaces, cut after `chars_max` characters.
pub(crate) fn line(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", line.split_at(end).0),
        None => line,
    }
}
