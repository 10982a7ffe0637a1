//! From a pruned page to Markdown, by htmd. Not the choice of what is in it.
//!
//! Invariant: addresses are numbers and pictures are their descriptions, so that nothing in the Markdown
//! makes a program that shows it fetch anything.

use crate::tree::line;
use htmd::element_handler::{HandlerResult, Handlers};
use htmd::options::{BrStyle, BulletListMarker, HrStyle, Options};
use htmd::{Element, HtmlToMarkdown};

/// Characters of a picture's description.
const ALT_CHARS_MAX: usize = 200;

/// The converter: `html_to_tree`, then `tree_to_markdown`.
pub(crate) fn converter() -> HtmlToMarkdown {
    let options = Options {
        hr_style: HrStyle::Dashes,
        br_style: BrStyle::Backslash,
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    HtmlToMarkdown::builder()
        .options(options)
        .add_handler(vec!["a"], link)
        .add_handler(vec!["img"], picture)
        .build()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of a handler is htmd's")]
fn link(handlers: &dyn Handlers, element: Element<'_>) -> Option<HandlerResult> {
    let content = handlers.walk_children(element.node).content;
    let text = content.trim();
    let number = value(&element, "href").and_then(|href| href.parse::<usize>().ok());
    Some(match number {
        _ if text.is_empty() => String::new().into(),
        None => content.into(),
        Some(number) if text.contains('\n') => format!("{content} [{number}]").into(),
        Some(number) => format!("[{text}][{number}]").into(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of a handler is htmd's")]
fn picture(_: &dyn Handlers, element: Element<'_>) -> Option<HandlerResult> {
    let alt = value(&element, "alt").map(|alt| line(&alt, ALT_CHARS_MAX)).filter(|alt| !alt.is_empty())?;
    Some(format!("[picture: {alt}]").into())
}

fn value(element: &Element<'_>, name: &str) -> Option<String> {
    element.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|found| found.value.to_string())
}
