//! Add: a policy's text with one more tool in it, for `toolgate add`.
//!
//! Everything that stood there stays as it was, comments and all: the new tool goes to the end. What is
//! written is the narrowest policy that serves the tool's declared needs, for a person to read. Not
//! here: reading components and writing files.

use super::capability::Capability;
use super::compiled::Verdict;
use crate::call::hex;
use std::fmt::Write;
use toml_edit::{DocumentMut, Item};

/// A tool to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolEntry {
    /// Its name, as the component defines it.
    pub name: String,
    /// The component's path, absolute or relative to the policy's folder.
    pub component: String,
    /// SHA-256 of the component.
    pub sha256: [u8; 32],
    /// What the component says it needs.
    pub needs: Vec<Capability>,
    /// The answer until there are rules; `deny` until a person has read the entry.
    pub verdict: Verdict,
}

/// A tool that cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// The policy has the tool already.
    #[error("the policy already has `[tools.{0}]`: change it there, or take it out first")]
    Exists(String),
    /// The text is not TOML.
    #[error("the policy is not TOML, so nothing was added: {0}")]
    Syntax(String),
    /// `tools` is written in a form that no section can follow.
    #[error("`tools` is not written as `[tools.NAME]` sections, so nothing can be added to it")]
    NotSections,
}

/// The text with the tool at its end.
///
/// # Errors
/// See [`AddError`]; nothing is added then.
pub fn document_with_tool(text: &str, entry: &ToolEntry) -> Result<String, AddError> {
    let document: DocumentMut = text.parse().map_err(syntax)?;
    match document.get("tools") {
        None => {}
        Some(Item::Table(tools)) if tools.contains_key(&entry.name) => {
            return Err(AddError::Exists(entry.name.clone()));
        }
        Some(Item::Table(_)) => {}
        Some(_) => return Err(AddError::NotSections),
    }
    let mut out = text.trim_end().to_owned();
    if !out.is_empty() {
        out.push_str("\n\n");
    }
    out.push_str(&section(entry));
    match out.parse::<DocumentMut>() {
        Ok(_) => Ok(out),
        Err(_) => Err(AddError::NotSections),
    }
}

fn syntax(error: toml_edit::TomlError) -> AddError {
    AddError::Syntax(error.message().to_owned())
}

fn section(entry: &ToolEntry) -> String {
    let (name, verdict) = (quoted_key(&entry.name), entry.verdict);
    let sha256 = hex(&entry.sha256);
    let mut out = String::new();
    if verdict == Verdict::Deny {
        out.push_str("# Read this before you allow it: nothing runs while the verdict is \"deny\".\n");
    }
    let component = quoted(&entry.component);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "[tools.{name}]\ncomponent = {component}\nsha256 = \"{sha256}\"\nverdict = \"{verdict}\""
    );
    let needs = |capability| entry.needs.contains(&capability);
    if entry.needs.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\n[tools.{name}.grants]");
    for capability in [Capability::Clock, Capability::Random, Capability::Log] {
        if needs(capability) {
            let _ = writeln!(out, "{capability} = true");
        }
    }
    if needs(Capability::Env) {
        out.push_str("# It needs env. Name each variable: env = { NAME = \"${NAME}\" }\n");
    }
    for capability in [Capability::Http, Capability::Secret] {
        if needs(capability) {
            let _ = writeln!(out, "# It needs {capability}, which no policy of this version can grant.");
        }
    }
    if needs(Capability::Fs) {
        let _ = writeln!(
            out,
            "\n# It needs a folder. Name the smallest that will do; \"read-write\" only where it must write.\n\
             [[tools.{name}.grants.fs]]\nhost = \"workspace\"\nguest = \"/workspace\"\naccess = \"read\""
        );
    }
    out
}

/// A TOML string in which nothing is filled in.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text.replace("${", "$${")).to_string()
}

fn quoted_key(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{check_needs, compile};
    use proptest::prelude::*;

    fn entry(needs: &[Capability]) -> ToolEntry {
        ToolEntry {
            name: "read_file".to_owned(),
            component: "../build/fi\"les ${X}.wasm".to_owned(),
            sha256: [0xab; 32],
            needs: needs.to_vec(),
            verdict: Verdict::Deny,
        }
    }

    #[test]
    fn what_stood_there_stays_as_it_was() {
        let before = "# mine\n[host]\nprincipal = 'ops' # us\n\n[tools.a]\ncomponent='a.wasm'";
        let after = document_with_tool(before, &entry(&[])).unwrap();
        assert!(after.starts_with(&format!("{before}\n\n# Read this")), "{after}");
    }

    #[test]
    fn the_entry_compiles_and_serves_each_need_that_can_be_granted() {
        let text = document_with_tool("", &ToolEntry { verdict: Verdict::Allow, ..entry(&Capability::ALL) })
            .unwrap();
        let compiled = compile(&text, "p.toml", &|_| None).unwrap();
        let codes: Vec<_> = compiled.warnings.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["no_fallback"], "{}", compiled.warnings);
        let tool = &compiled.policy.tools["read_file"];
        assert_eq!(tool.component.to_str(), Some("../build/fi\"les ${X}.wasm"));
        assert_eq!(tool.sha256, Some([0xab; 32]));
        let unmet = check_needs(&compiled.policy, "read_file", &Capability::ALL).to_string();
        let words: Vec<_> = unmet.lines().filter_map(|line| line.split('`').nth(3)).collect();
        assert_eq!(words, ["env", "http", "secret"], "{unmet}");
    }

    #[test]
    fn a_tool_without_needs_gets_no_grants_and_no_answer_but_deny() {
        let text = document_with_tool("", &entry(&[])).unwrap();
        let policy = compile(&text, "p.toml", &|_| None).unwrap().policy;
        let tool = &policy.tools["read_file"];
        assert_eq!((tool.verdict, &tool.grants), (Verdict::Deny, &Default::default()));
    }

    #[test]
    fn a_tool_that_is_there_and_a_text_that_cannot_take_one_are_errors() {
        let twice = document_with_tool("[tools.read_file]\ncomponent='a'", &entry(&[]));
        assert_eq!(twice, Err(AddError::Exists("read_file".to_owned())));
        assert_eq!(document_with_tool("tools = {}", &entry(&[])), Err(AddError::NotSections));
        assert!(matches!(document_with_tool("[", &entry(&[])), Err(AddError::Syntax(_))));
    }

    proptest! {
        #[test]
        fn no_name_or_path_breaks_out_of_its_quotes(name in ".{0,12}", component in ".{1,12}") {
            let entry = ToolEntry { name: name.clone(), component, ..entry(&[Capability::Fs]) };
            let text = document_with_tool("", &entry).unwrap();
            let document: DocumentMut = text.parse().unwrap();
            prop_assert_eq!(document["tools"][&name]["component"].as_str(), Some(&*entry.component.replace("${", "$${")));
        }
    }
}
