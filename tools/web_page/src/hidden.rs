//! What a page hides from the people who look at it: by attribute, by inline style, by its own style sheets.
//! Not a layout engine: what scripts, outside style sheets or media queries hide is not known here.
//!
//! Invariant: `html` and `body` are never taken for hidden, or one rule would empty the page.

use crate::tree::{attribute, tag};
use htmd::Node;

/// Pixels off the edge from which a text is taken to be out of sight.
const OFF_EDGE_PX: f64 = 500.0;

/// The rules of a page's style sheets that hide what they match.
#[derive(Debug, Default)]
pub(crate) struct Sheet(Vec<Selector>);

/// A selector without combinators: `p`, `.note`, `div#menu.open`.
#[derive(Debug, Default)]
struct Selector {
    tag: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
}

impl Sheet {
    /// Adds the hiding rules of one style sheet.
    pub(crate) fn read(&mut self, css: &str) {
        let mut rest = without_comments(css);
        while let Some((prelude, after)) = rest.split_once('{') {
            let (body, next) = block(after);
            if hides(body) {
                self.0.extend(prelude.split(',').filter_map(Selector::read));
            }
            rest = next.to_owned();
        }
    }

    /// True when a person does not see this element.
    pub(crate) fn hide(&self, node: &Node) -> bool {
        let Some(tag) = tag(node).filter(|tag| !matches!(*tag, "html" | "body")) else { return false };
        let by_attribute = attribute(node, "hidden").is_some_and(|value| value != "until-found")
            || (tag == "input"
                && attribute(node, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden")));
        by_attribute
            || attribute(node, "style").is_some_and(|style| hides(&style))
            || self.0.iter().any(|selector| selector.matches(tag, node))
    }
}

impl Selector {
    fn read(text: &str) -> Option<Self> {
        let mut selector = Self::default();
        let text = text.trim();
        let mut rest = text;
        while !rest.is_empty() {
            let kind = rest.chars().next().filter(|first| matches!(first, '.' | '#'));
            let word = kind.map_or(rest, |kind| rest.trim_start_matches(kind));
            let end = word.find(['.', '#']).unwrap_or(word.len());
            let (word, next) = word.split_at(end);
            let plain = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
            if word.is_empty() || !plain {
                return None;
            }
            match kind {
                Some('.') => selector.classes.push(word.to_owned()),
                Some(_) => selector.id = Some(word.to_owned()),
                None => selector.tag = Some(word.to_lowercase()),
            }
            rest = next;
        }
        (!text.is_empty()).then_some(selector)
    }

    fn matches(&self, tag: &str, node: &Node) -> bool {
        let has_class = |wanted: &String| {
            attribute(node, "class")
                .is_some_and(|classes| classes.split_whitespace().any(|class| class == wanted))
        };
        self.tag.as_ref().is_none_or(|wanted| wanted == tag)
            && self.id.as_ref().is_none_or(|wanted| attribute(node, "id").as_ref() == Some(wanted))
            && self.classes.iter().all(has_class)
    }
}

fn without_comments(css: &str) -> String {
    let mut plain = String::new();
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

/// A block up to its closing brace, and what follows; blocks inside it belong to it.
fn block(text: &str) -> (&str, &str) {
    let mut open = 1_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open = open.saturating_add(1),
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            let (body, after) = text.split_at(index);
            return (body, after.strip_prefix('}').unwrap_or(after));
        }
    }
    (text, "")
}

/// True when these declarations put something out of sight.
fn hides(declarations: &str) -> bool {
    let declarations: Vec<(String, String)> = declarations
        .split(';')
        .filter_map(|declaration| declaration.split_once(':'))
        .map(|(name, value)| {
            let value = value.to_lowercase().replace("!important", "");
            (name.trim().to_lowercase(), value.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect();
    let value = |wanted: &str| {
        let mut found = declarations.iter().rev().filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value.as_str())
    };
    let is = |name: &str, values: &[&str]| value(name).is_some_and(|value| values.contains(&value));
    let zero =
        |name: &str| value(name).is_some_and(|value| amount(value).is_some_and(|amount| amount.abs() < 0.02));
    let off_edge =
        |name: &str| value(name).is_some_and(|value| amount(value).is_some_and(|at| at <= -OFF_EDGE_PX));
    let clipped = is("overflow", &["hidden", "clip"]);
    let background = value("background-color").or_else(|| value("background"));
    is("display", &["none"])
        || is("visibility", &["hidden", "collapse"])
        || zero("opacity")
        || value("font-size")
            .is_some_and(|value| amount(value).is_some_and(|size| size.abs() < 2.0 && !relative(value)))
        || zero("font-size")
        || is("color", &["transparent"])
        || (value("color").is_some() && value("color") == background)
        || ["left", "right", "top", "bottom", "text-indent", "margin-left", "margin-top"]
            .into_iter()
            .any(off_edge)
        || (clipped && ["width", "height", "max-height", "max-width"].into_iter().any(zero))
        || is("clip", &["rect(0 0 0 0)", "rect(0, 0, 0, 0)", "rect(0,0,0,0)", "rect(1px, 1px, 1px, 1px)"])
        || is("clip-path", &["inset(50%)", "inset(100%)", "circle(0)"])
        || is("transform", &["scale(0)"])
}

/// The number at the beginning of a value.
fn amount(value: &str) -> Option<f64> {
    let end = value.find(|c: char| !matches!(c, '0'..='9' | '.' | '-')).unwrap_or(value.len());
    value.split_at(end).0.parse().ok()
}

/// True for a size that says nothing by itself.
fn relative(value: &str) -> bool {
    !(value.ends_with("px") || value.ends_with("pt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_ways_to_hide_are_known() {
        for style in [
            "display: none",
            "DISPLAY:NONE !important",
            "visibility:hidden",
            "opacity: 0",
            "opacity:0.01",
            "font-size:0",
            "font-size: 1px",
            "color: transparent",
            "color:#fff; background-color:#FFF",
            "position:absolute; left:-9999px",
            "text-indent: -1000em",
            "height:0; overflow:hidden",
            "clip: rect(0, 0, 0, 0)",
        ] {
            assert!(hides(style), "{style}");
        }
    }

    #[test]
    fn ordinary_styles_hide_nothing() {
        for style in [
            "",
            "display:block",
            "opacity:1",
            "font-size:1em",
            "font-size:1.2rem",
            "color:#fff; background:#000",
            "left:-4px",
            "height:0",
            "margin-left:-20px",
            "not css at all",
            "font-size:12px",
        ] {
            assert!(!hides(style), "{style}");
        }
    }

    #[test]
    fn rules_are_read_past_comments_and_media_queries() {
        let mut sheet = Sheet::default();
        sheet.read("/* { */ p{color:red} @media print { nav { display:none } } .a, div.b#c , ul > li { display:none }");
        let read: Vec<_> = sheet
            .0
            .iter()
            .map(|rule| (rule.tag.as_deref(), rule.id.as_deref(), rule.classes.len()))
            .collect();
        assert_eq!(read, [(None, None, 1), (Some("div"), Some("c"), 1)]);
    }

    proptest! {
        #[test]
        fn no_style_sheet_makes_it_panic(css in "[a-c.#{}:;,/*@é -]{0,60}") {
            Sheet::default().read(&css);
        }
    }
}
