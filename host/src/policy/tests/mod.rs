//! Tests of the whole room: text in, answers and diagnostics out.

mod advice;
mod answers;
mod approvals;
mod budgets;
mod dependencies;
mod examples;
mod explanations;
mod fallbacks;
mod guards;
mod mutations;
mod reach;
mod settings;
mod shape;
mod values;

use super::{Compiled, Diagnostics, Policy, compile};

fn environment(name: &str) -> Option<String> {
    match name {
        "WORK" => Some("/srv/work".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn compiled(text: &str) -> Compiled {
    match compile(text, "p.toml", &environment) {
        Ok(compiled) => compiled,
        Err(diagnostics) => panic!("{diagnostics}\nin\n{text}"),
    }
}

fn policy(text: &str) -> Policy {
    compiled(text).policy
}

fn errors(text: &str) -> Diagnostics {
    match compile(text, "p.toml", &environment) {
        Ok(_) => panic!("compiles:\n{text}"),
        Err(diagnostics) => diagnostics,
    }
}

/// `line:column code` of each.
fn codes(diagnostics: &Diagnostics) -> Vec<String> {
    let code = |one: &super::Diagnostic| format!("{}:{} {}", one.line, one.column, one.code);
    diagnostics.iter().map(code).collect()
}

/// `line:column code` of what a policy without errors is warned of, other than tools without a fallback,
/// which most texts of these tests have.
fn warned(text: &str) -> Vec<String> {
    let mut codes = codes(&compiled(text).warnings);
    codes.retain(|code| !code.ends_with(" no_fallback"));
    codes
}

/// A policy of one tool `t` with these lines in its section.
fn tool(lines: &str) -> String {
    format!("[tools.t]\ncomponent = 't.wasm'\nsha256 = '{}'\n{lines}\n", "0".repeat(64))
}
