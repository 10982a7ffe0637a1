//! Taking out of a page what a person does not see. Not deciding that: `hidden` does.
//!
//! Invariant: what is taken out is counted by kind, and what stays is no deeper than the converter can go.

use crate::hidden::Sheet;
use crate::tree::{descendants, tag, text, whole_text};
use htmd::Node;
use markup5ever_rcdom::NodeData;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// Elements inside each other: the converter recurses, and a guest's stack is small.
const DEPTH_MAX: usize = 150;

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 300;

/// What was on the page and is not in the Markdown, counted.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Dropped {
    /// Scripts, and what is shown only without them.
    scripts: usize,
    /// Style sheets.
    styles: usize,
    /// Comments.
    comments: usize,
    /// Elements that a person does not see: hidden by an attribute or a style.
    hidden: usize,
    /// Frames, objects, drawings, audio and video.
    embedded: usize,
    /// Elements nested too deeply.
    too_deep: usize,
}

/// What a look at the page gave, apart from the page.
pub(crate) struct Pruned {
    pub(crate) title: Option<String>,
    pub(crate) dropped: Dropped,
}

/// Changes the page in place.
pub(crate) fn prune(document: &Rc<Node>) -> Pruned {
    let mut sheet = Sheet::default();
    let mut title = None;
    for node in descendants(document) {
        match tag(&node) {
            Some("style") => sheet.read(&whole_text(&node)),
            Some("title") if title.is_none() => title = Some(text(&node, TITLE_CHARS_MAX)),
            _ => {}
        }
    }
    let mut dropped = Dropped::default();
    let mut ahead = vec![(Rc::clone(document), 0_usize)];
    while let Some((node, depth)) = ahead.pop() {
        node.children.borrow_mut().retain(|child| keep(child, depth, &sheet, &mut dropped));
        let below = depth.saturating_add(1);
        ahead.extend(node.children.borrow().iter().map(|child| (Rc::clone(child), below)));
    }
    Pruned { title: title.filter(|title| !title.is_empty()), dropped }
}

fn keep(node: &Rc<Node>, depth: usize, sheet: &Sheet, dropped: &mut Dropped) -> bool {
    let counter = match &node.data {
        NodeData::Comment { .. } => &mut dropped.comments,
        NodeData::Element { .. } => match tag(node).unwrap_or_default() {
            "script" | "noscript" | "template" => &mut dropped.scripts,
            "style" => &mut dropped.styles,
            "iframe" | "frame" | "object" | "embed" | "svg" | "canvas" | "audio" | "video" => {
                &mut dropped.embedded
            }
            // Its title is taken; counted is what it has of other kinds.
            "head" => {
                count_head(node, dropped);
                return false;
            }
            "title" => return false,
            _ if sheet.hide(node) => &mut dropped.hidden,
            _ if depth >= DEPTH_MAX => &mut dropped.too_deep,
            _ => return true,
        },
        NodeData::ProcessingInstruction { .. } => return false,
        NodeData::Document | NodeData::Doctype { .. } | NodeData::Text { .. } => return true,
    };
    *counter = counter.saturating_add(1);
    false
}

fn count_head(head: &Rc<Node>, dropped: &mut Dropped) {
    for node in descendants(head) {
        let counter = match (&node.data, tag(&node)) {
            (NodeData::Comment { .. }, _) => &mut dropped.comments,
            (_, Some("script" | "noscript" | "template")) => &mut dropped.scripts,
            (_, Some("style")) => &mut dropped.styles,
            _ => continue,
        };
        *counter = counter.saturating_add(1);
    }
}
