//! Unified diffs and patches of text. Not of files: texts come in as arguments and go out as results.
//!
//! Invariant: applying what `diff_text` gives in full to the old text gives the new one.

mod apply;
mod compare;

toolgate_sdk::component!(compare::diff_text, apply::apply_patch);
