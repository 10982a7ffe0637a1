//! A run and the runs that it is part of: what stops one of them stops it too.
//!
//! Not here: where runs are found (`ledger/`). Invariant: the run itself comes first, then its ancestors, the nearest
//! first; a run that is part of no other takes no memory beside.

use super::RunId;
use std::sync::Arc;

/// A run and its ancestors. Cheap to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    run: RunId,
    ancestors: Option<Arc<[RunId]>>,
}

impl Lineage {
    /// Runs of a lineage, the run itself counted. Longer chains are not followed, and nothing in them runs.
    pub const RUNS_MAX: usize = 256;

    /// A run with the runs that it is part of, the nearest first.
    pub fn new(run: RunId, ancestors: &[RunId]) -> Self {
        Self { run, ancestors: (!ancestors.is_empty()).then(|| Arc::from(ancestors)) }
    }

    /// The run itself.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The run itself, then those that it is part of.
    pub fn runs(&self) -> impl Iterator<Item = RunId> {
        std::iter::once(self.run).chain(self.ancestors.iter().flat_map(|ancestors| ancestors.iter().copied()))
    }

    /// Whether this is the run, or one that it is part of.
    pub fn contains(&self, run: RunId) -> bool {
        self.runs().any(|one| one == run)
    }
}

/// A run that is part of no other.
impl From<RunId> for Lineage {
    fn from(run: RunId) -> Self {
        Self { run, ancestors: None }
    }
}

impl From<&Self> for Lineage {
    fn from(lineage: &Self) -> Self {
        lineage.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_is_the_run_and_then_its_ancestors_and_no_other() {
        let [child, parent, top, other] = [1, 2, 3, 4].map(|n| RunId::new(1, [n; 10]));
        let lineage = Lineage::new(child, &[parent, top]);
        assert_eq!(lineage.runs().collect::<Vec<_>>(), [child, parent, top]);
        assert!(lineage.contains(top) && lineage.contains(child) && !lineage.contains(other));
        assert_eq!(Lineage::new(child, &[]), Lineage::from(child));
        assert_eq!(Lineage::from(child).runs().count(), 1);
    }
}
