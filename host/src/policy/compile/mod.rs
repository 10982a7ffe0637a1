//! Compile: policy text to a [`Policy`], or to everything that is wrong with it.
//!
//! Each section has its file; here they meet. Not here: the TOML shape (`document/`), what only the
//! components (`needs`) or the disk can tell. Invariant: a policy comes out only when there
//! is no error, and the same text and environment always give the same policy.

mod advice;
mod approval;
mod budgets;
mod defaults;
mod digest;
mod fallback;
mod grants;
mod guards;
mod host;
mod limits;
mod money;
mod pattern;
mod reach;
mod rule;
mod run;
mod sanitize;
mod spend;
mod tool;

use super::compiled::Policy;
use super::diagnostic::{Diagnostic, Diagnostics, LineIndex, Place};
use super::document::{Cursor, Document, Environment, Read, read};
use std::sync::Arc;

/// The longest policy text, in bytes: a thousand tools fit, a wrong file does not.
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// A policy that can be used, and what its author should still look at.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The policy.
    pub policy: Policy,
    /// Warnings only.
    pub warnings: Diagnostics,
}

/// Compiles a policy.
///
/// `file` is its name for messages; `env` looks up the variables that its strings name.
///
/// # Errors
/// Every error that was found. Warnings come only with a policy that has none.
pub fn compile(
    text: &str,
    file: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Compiled, Diagnostics> {
    let lines = LineIndex::new(text);
    let mut diagnostics = Diagnostics::default();
    if text.len() > POLICY_BYTES_MAX {
        let message = format!("the policy is longer than {POLICY_BYTES_MAX} bytes");
        diagnostics.push(Diagnostic::error("too_large", &Place::default(), message));
        return Err(diagnostics);
    }
    let mut environment = Environment::new(env);
    let read: Read<Document> = read(text, &lines, &mut environment);
    let root = Cursor::root(&read.tree, &lines);
    let document = read.document.unwrap_or_default();
    let defaults = defaults::compile(document.defaults, &root.key("defaults"), &mut diagnostics);
    let policy = Policy {
        file: file.to_owned(),
        digest: digest::policy_digest(text, &environment.read),
        host: host::compile(document.host, &root.key("host"), &mut diagnostics),
        run: run::compile(document.run, &root.key("run"), &mut diagnostics),
        spend: Arc::new(spend::compile(document.spend, &root.key("spend"), &mut diagnostics)),
        escalation: approval::escalation(document.escalation, &root.key("escalation"), &mut diagnostics),
        sanitize: sanitize::compile(document.sanitize, &root.key("sanitize"), &mut diagnostics),
        tools: tool::compile_all(document.tools, &defaults, &root.key("tools"), &mut diagnostics),
    };
    advice::check(&policy, &defaults, &root, &mut diagnostics);
    diagnostics.append(read.diagnostics);
    let diagnostics = diagnostics.sorted();
    match diagnostics.has_errors() {
        // What was at fault is missing from the rest, so that warnings about it may be wrong.
        true => Err(diagnostics.errors_only()),
        false => Ok(Compiled { policy, warnings: diagnostics }),
    }
}

/// A zero where zero would mean "nothing at all", which nobody means and many read as "no limit".
fn report_zero(cursor: &Cursor<'_>, key: &str, expected: &str, diagnostics: &mut Diagnostics) {
    let message = format!("`{key}` is zero, and a limit cannot be switched off");
    let problem = Diagnostic::error("zero_limit", &cursor.key(key).place(), message);
    diagnostics.push(problem.found("0").expected(expected));
}

/// A value above the most that the host can promise.
fn report_over(cursor: &Cursor<'_>, key: &str, max: &str, diagnostics: &mut Diagnostics) {
    let message = format!("`{key}` is more than the host can promise");
    let problem = Diagnostic::error("limit_too_large", &cursor.key(key).place(), message);
    diagnostics.push(problem.expected(format!("at most {max}")));
}

/// A whole number in `1..=max`, or the default.
fn count(
    value: Option<u64>,
    default: u64,
    max: u64,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> u64 {
    let (cursor, key) = at;
    match value {
        Some(0) => report_zero(cursor, key, &format!("1 to {max}"), diagnostics),
        Some(value) if value > max => report_over(cursor, key, &max.to_string(), diagnostics),
        Some(value) => return value,
        None => {}
    }
    default
}
