//! What the server says of its tools, built once: the pages of `tools/list` in both eras.
//!
//! Not here: where tools come from. Invariant: the order is by name, and the same for every
//! client; a cursor is good for as long as the tool it names exists.

use super::era::Era;
use super::result::Structured;
use crate::catalog::ToolCard;
use rmcp::model::{CacheScope, ErrorData, ListToolsResult, MetaObject, Tool, ToolAnnotations};
use std::sync::Arc;

/// Tools on one page.
const PAGE_TOOLS_MAX: usize = 100;

/// How long a list may be kept, in milliseconds. It cannot change while the process lives; a next process
/// may have another policy.
pub(super) const LIST_TTL_MS: u64 = 300_000;

/// Says what a cursor is a cursor of.
const CURSOR_PREFIX: &str = "after:";

/// The advertised tools, by name.
pub(super) struct Listing {
    tools: Vec<Tool>,
    server: MetaObject,
}

impl Listing {
    /// Built from the gate's cards. `server` is the `_meta` of every result.
    pub(super) fn new<'a>(cards: impl Iterator<Item = &'a ToolCard>, server: MetaObject) -> Self {
        let mut tools: Vec<Tool> = cards.map(tool).collect();
        tools.sort_by(|left, right| left.name.cmp(&right.name));
        Self { tools, server }
    }

    /// The page after `cursor`, or the first; invalid params when the cursor is not one of ours.
    pub(super) fn page(&self, cursor: Option<&str>, era: Era) -> Result<ListToolsResult, ErrorData> {
        let rest = match cursor {
            None => self.tools.as_slice(),
            Some(cursor) => self.after(cursor).ok_or_else(|| {
                ErrorData::invalid_params("Invalid params: unknown `cursor`; list again without one", None)
            })?,
        };
        let page = rest.get(..PAGE_TOOLS_MAX).unwrap_or(rest);
        let mut result = ListToolsResult::with_all_items(page.to_vec());
        if page.len() < rest.len() {
            result.next_cursor = page.last().map(|last| format!("{CURSOR_PREFIX}{}", last.name));
        }
        result.meta = Some(self.server.clone());
        match era {
            Era::Modern => Ok(result.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Private)),
            Era::Legacy => Ok(legacy(result)),
        }
    }

    /// What the structured content of a tool may be.
    pub(super) fn structured(&self, name: &str, era: Era) -> Structured {
        let schema = self.find(name).and_then(|at| self.tools.get(at)?.output_schema.as_deref());
        match (schema, era) {
            (None, _) => Structured::None,
            (Some(_), Era::Modern) => Structured::Any,
            (Some(schema), Era::Legacy) if is_object_schema(schema) => Structured::Object,
            (Some(_), Era::Legacy) => Structured::None,
        }
    }

    /// The `_meta` of every result.
    pub(super) fn server(&self) -> &MetaObject {
        &self.server
    }

    /// The names of all tools.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.name.as_ref())
    }

    fn after(&self, cursor: &str) -> Option<&[Tool]> {
        let at = self.find(cursor.strip_prefix(CURSOR_PREFIX)?)?;
        self.tools.get(at + 1..)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.tools.binary_search_by(|tool| tool.name.as_ref().cmp(name)).ok()
    }
}

/// 2025-11-25 and before have no `resultType` or caching hints, and allow only objects as structured content.
fn legacy(mut result: ListToolsResult) -> ListToolsResult {
    result.result_type = None;
    for tool in &mut result.tools {
        tool.output_schema.take_if(|schema| !is_object_schema(schema));
    }
    result
}

fn is_object_schema(schema: &serde_json::Map<String, serde_json::Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

fn tool(card: &ToolCard) -> Tool {
    let mut tool =
        Tool::new(card.name.clone(), card.description.clone(), Arc::new(card.input_schema.clone()));
    tool.output_schema = card.output_schema.clone().map(Arc::new);
    let hints = ToolAnnotations::new()
        .read_only(card.read_only)
        .destructive(card.destructive)
        .idempotent(card.idempotent)
        .open_world(card.open_world);
    tool.annotations = Some(hints);
    tool
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, json};

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn listing(count: usize) -> Listing {
        let card = |n: usize| ToolCard {
            name: format!("tool_{n:04}"),
            description: "d".to_owned(),
            input_schema: object(json!({"type": "object"})),
            output_schema: match n % 3 {
                0 => None,
                1 => Some(object(json!({"type": "object"}))),
                _ => Some(object(json!({"type": "array"}))),
            },
            read_only: true,
            idempotent: true,
            destructive: false,
            open_world: false,
        };
        let cards: Vec<_> = (0..count).map(card).collect();
        Listing::new(cards.iter().rev(), MetaObject::new())
    }

    #[test]
    fn the_pages_hold_every_tool_once_in_order() {
        for count in [0, 1, PAGE_TOOLS_MAX, PAGE_TOOLS_MAX + 1, 250] {
            let listing = listing(count);
            let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = listing.page(cursor.as_deref(), Era::Modern).unwrap();
                seen.extend(page.tools.iter().map(|tool| tool.name.to_string()));
                pages += 1;
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, listing.names().collect::<Vec<_>>());
            assert_eq!(pages, count.div_ceil(PAGE_TOOLS_MAX).max(1));
        }
    }

    #[test]
    fn a_cursor_that_is_not_ours_is_refused() {
        for cursor in ["", "1", "after:", "after:nothing"] {
            assert_eq!(listing(3).page(Some(cursor), Era::Modern).unwrap_err().code.0, -32602, "{cursor}");
        }
    }

    #[test]
    fn each_era_gets_its_own_shape() {
        let (listing, shape) = (listing(3), |page: ListToolsResult| serde_json::to_value(page).unwrap());
        let modern = shape(listing.page(None, Era::Modern).unwrap());
        assert_eq!(
            (&modern["resultType"], &modern["ttlMs"], &modern["cacheScope"]),
            (&json!("complete"), &json!(LIST_TTL_MS), &json!("private"))
        );
        assert_eq!(modern["tools"][2]["outputSchema"], json!({"type": "array"}));
        let legacy = shape(listing.page(None, Era::Legacy).unwrap());
        assert!(["resultType", "ttlMs", "cacheScope"].iter().all(|key| legacy.get(key).is_none()));
        assert_eq!(legacy["tools"][1]["outputSchema"], json!({"type": "object"}));
        assert_eq!(legacy["tools"][2].get("outputSchema"), None);
        assert_eq!(modern["tools"][0]["annotations"]["readOnlyHint"], json!(true));
    }

    #[test]
    fn structured_content_is_allowed_as_far_as_it_is_advertised() {
        let listing = listing(3);
        let both =
            |name: &str| (listing.structured(name, Era::Modern), listing.structured(name, Era::Legacy));
        assert_eq!(both("tool_0000"), (Structured::None, Structured::None));
        assert_eq!(both("tool_0001"), (Structured::Any, Structured::Object));
        assert_eq!(both("tool_0002"), (Structured::Any, Structured::None));
        assert_eq!(both("nothing"), (Structured::None, Structured::None));
    }
}
