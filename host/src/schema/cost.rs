//! How much work a check is, before it is done: pairs of a subschema and a value that it can visit.
//!
//! A recursive schema can apply itself twice to each level of a value, which doubles the work with every
//! level of nesting that the agent sends. Here each pair is counted once and added wherever it is visited
//! again, so the count is quick where the check would not be. It is an upper bound: every branch counts.

use super::applicators::Reach;
use super::expansion::{each_applied, identity, own, weight};
use super::limits::{EXPANDED_DEPTH_MAX, VISITS_MAX};
use serde_json::Value;
use std::collections::HashMap;

/// Counts the visits of a check of `value` against `root`; none when they or their nesting pass the limits.
pub(super) fn visits(root: &Value, value: &Value) -> Option<u64> {
    let mut meter = Meter { root, known: HashMap::new(), steps: 0 };
    let cost = meter.cost(root, value, 1)?;
    (cost.visits <= VISITS_MAX).then_some(cost.visits)
}

#[derive(Clone, Copy)]
struct Cost {
    visits: u64,
    depth: usize,
}

struct Meter<'s> {
    root: &'s Value,
    /// Costs of pairs by identity.
    known: HashMap<(usize, usize), Cost>,
    steps: u64,
}

impl<'s> Meter<'s> {
    fn cost(&mut self, schema: &'s Value, value: &Value, depth: usize) -> Option<Cost> {
        let own = own(schema);
        self.steps = self.steps.saturating_add(own);
        if self.steps > VISITS_MAX || depth > EXPANDED_DEPTH_MAX {
            return None;
        }
        let mut applied = Vec::new();
        each_applied(self.root, schema, |reach, subschema| applied.push((reach, subschema)));
        // Looking for a property that is absent is work too.
        let mut cost = Cost { visits: applied.len() as u64, depth: 0 };
        self.steps = self.steps.saturating_add(cost.visits);
        for (reach, subschema) in applied {
            match (reach, value) {
                (Reach::Here, _) => self.add(&mut cost, subschema, value, depth)?,
                (Reach::Member(name), Value::Object(members)) => {
                    if let Some(member) = members.get(name) {
                        self.add(&mut cost, subschema, member, depth)?;
                    }
                }
                (Reach::Children, Value::Object(members)) => {
                    for member in members.values() {
                        self.add(&mut cost, subschema, member, depth)?;
                    }
                }
                (Reach::Children, Value::Array(items)) => {
                    for item in items {
                        self.add(&mut cost, subschema, item, depth)?;
                    }
                }
                _ => {}
            }
        }
        cost.visits = cost.visits.saturating_mul(weight(schema)).saturating_add(own);
        cost.depth += 1;
        Some(cost)
    }

    fn add(&mut self, sum: &mut Cost, schema: &'s Value, value: &Value, depth: usize) -> Option<()> {
        // A pair is met again only by way of a reference, so what holds one is kept.
        let pair = schema.get("$ref").map(|_| (identity(schema), identity(value)));
        let cost = match pair.and_then(|pair| self.known.get(&pair)) {
            Some(known) => *known,
            None => {
                let cost = self.cost(schema, value, depth + 1)?;
                if let Some(pair) = pair {
                    self.known.insert(pair, cost);
                }
                cost
            }
        };
        sum.visits = sum.visits.saturating_add(cost.visits);
        sum.depth = sum.depth.max(cost.depth);
        (depth + cost.depth <= EXPANDED_DEPTH_MAX).then_some(())
    }
}
