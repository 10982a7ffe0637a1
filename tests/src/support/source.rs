//! The repository's own source as a scanner of rules sees it: code without comments, strings and test items.
//!
//! Not a Rust parser: it knows just enough of the lexer to tell code from text. Invariant: what is taken out
//! is replaced by spaces, so that lines and offsets stay true.

use super::gate::repository;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One source file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path from the folder that was asked for, with `/`.
    pub name: String,
    /// Its text as it is.
    pub text: String,
    /// Its code: no comments, no contents of strings, no items under `#[cfg(test)]`.
    pub code: String,
}

impl Source {
    /// Reads a text as a source file.
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), code: without_tests(&without_text(text)) }
    }

    /// True when the code has this text, with nothing of an identifier on either side.
    pub fn has(&self, word: &str) -> bool {
        self.places(word).next().is_some()
    }

    /// How often the code has it.
    pub fn count(&self, word: &str) -> usize {
        self.places(word).count()
    }

    /// Byte offsets of this text in the code, with nothing of an identifier on either side.
    pub fn places<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let code = &self.code;
        code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let before = code[..*at].chars().next_back();
            let after = code[at + word.len()..].chars().next();
            let inside_before = is_word(word.chars().next()) && is_word(before);
            let inside_after = is_word(word.chars().next_back()) && is_word(after);
            !inside_before && !inside_after
        })
    }

    /// True when the code builds or takes apart a value of this type by its fields.
    pub fn builds(&self, name: &str) -> bool {
        self.places(name).any(|at| {
            let braced = self.code[at + name.len()..].trim_start().starts_with(['{', '(']);
            braced && !is_a_mere_name(&self.code[..at])
        })
    }

    /// The line of an offset, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].lines().count()
    }
}

/// True when what stands before a type's name makes the brace behind it something else than a literal.
fn is_a_mere_name(before: &str) -> bool {
    let path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let mut before = before.trim_end_matches(path).trim_end();
    // A reference's own parts: `&'a mut Name`.
    before = before.strip_suffix("mut").unwrap_or(before).trim_end();
    if let Some(lifetime) = before.rfind('\'').filter(|at| before[at + 1..].chars().all(|c| is_word(Some(c))))
    {
        before = before[..lifetime].trim_end();
    }
    let before = before.trim_end_matches('&').trim_end();
    let words = ["struct", "enum", "impl", "for", "fn", "mod", "trait", "union"];
    before.ends_with("->")
        || words.iter().any(|word| before.ends_with(word))
        || (before.ends_with('>') && before.contains("impl"))
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// All `.rs` files below a folder of the repository, by name; what cargo built is left out.
pub fn sources(folder: &str) -> Vec<Source> {
    let root = repository().join(folder);
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&root).expect("below the root").display().to_string();
        Source::new(&name, &std::fs::read_to_string(path).expect("a readable source"))
    };
    paths.iter().map(read).collect()
}

/// The files below a folder that are compiled outside tests too.
pub fn shipped(folder: &str) -> Vec<Source> {
    let all = sources(folder);
    let tests = test_modules(&all);
    all.into_iter().filter(|source| !tests.iter().any(|test| is_module(&source.name, test))).collect()
}

/// Module paths (`policy/tests`) that some file declares under `#[cfg(test)]`.
fn test_modules(sources: &[Source]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources {
        let text = without_text(&source.text);
        for (at, _) in text.match_indices("#[cfg(test)]") {
            let rest = text[at + "#[cfg(test)]".len()..].trim_start();
            let rest =
                rest.strip_prefix("pub(crate)").or(rest.strip_prefix("pub")).unwrap_or(rest).trim_start();
            let Some(name) =
                rest.strip_prefix("mod ").and_then(|rest| rest.split_once(';')).map(|(name, _)| name.trim())
            else {
                continue;
            };
            if name.chars().all(|c| is_word(Some(c))) {
                found.insert(format!("{}{name}", children_of(&source.name)));
            }
        }
    }
    found
}

/// Where the modules lie that a file declares.
fn children_of(name: &str) -> String {
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    match stem.rsplit_once('/') {
        Some((folder, "mod")) => format!("{folder}/"),
        _ if matches!(stem, "mod" | "lib" | "main") => String::new(),
        _ => format!("{stem}/"),
    }
}

fn is_module(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "target" | "build" | "node_modules") && !name.starts_with('.') {
                collect(&path, paths);
            }
        } else if name.ends_with(".rs") {
            paths.push(path);
        }
    }
}

/// The text with comments and the contents of literals blanked.
fn without_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = is_word(out.chars().next_back());
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => 1 + string(&rest[1..]),
            'r' | 'b' | 'c' if !after_word => prefixed_string(rest).unwrap_or(0),
            '\'' => char_literal(rest).unwrap_or(0),
            _ => 0,
        };
        let taken = if skipped == 0 { first.len_utf8() } else { skipped };
        let (part, left) = rest.split_at(taken);
        if skipped == 0 {
            out.push_str(part);
        } else {
            out.extend(part.chars().flat_map(blank));
        }
        rest = left;
    }
    out
}

/// As many spaces as the character has bytes; line ends stay.
fn blank(c: char) -> impl Iterator<Item = char> {
    let (c, count) = if c == '\n' { ('\n', 1) } else { (' ', c.len_utf8()) };
    std::iter::repeat_n(c, count)
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Bytes up to and with the closing quote.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A literal with a prefix (`r#"…"#`, `b"…"`, `br"…"`, `b'x'`), or none.
fn prefixed_string(text: &str) -> Option<usize> {
    let prefix = text.find(|c: char| !matches!(c, 'r' | 'b' | 'c'))?;
    let rest = &text[prefix..];
    if !text[..prefix].contains('r') {
        return match rest.chars().next()? {
            '"' => Some(prefix + 1 + string(&rest[1..])),
            '\'' => char_literal(rest).map(|length| prefix + length),
            _ => None,
        };
    }
    let hashes = rest.find(|c| c != '#')?;
    let body = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(prefix + hashes + 1 + length)
}

/// A character literal; a lifetime is none.
fn char_literal(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (at, _) = chars.skip(1).find(|(_, c)| *c == '\'')?;
        return Some(at + 1);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

/// Blanks every item under `#[cfg(test)]`; the text has no comments or strings any more.
fn without_tests(text: &str) -> String {
    let mut out = text.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let body = start + "#[cfg(test)]".len();
        let mut depth = 0_usize;
        let mut end = out.len();
        for (at, c) in out[body..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(c, '}' | ';') {
                end = body + at + 1;
                break;
            }
        }
        let blanked: String = out[start..end].chars().flat_map(blank).collect();
        out.replace_range(start..end, &blanked);
    }
    out
}

#[test]
fn comments_strings_and_tests_are_no_code() {
    let text = r####"//! wasmtime
fn f<'a>(x: &'a str) { /* wasmtime /* nested */ */ let c = '"'; let s = "wasmtime \" \\"; } // wasmtime
fn g() { let r = r#"wasmtime " "#; let b = b"wasmtime"; let e = '\''; tail(); }
#[cfg(test)]
mod tests { fn wasmtime() { { } } }
fn h() {}"####;
    let source = Source::new("x.rs", text);
    assert!(!source.has("wasmtime"), "{}", source.code);
    assert!(source.has("tail()") && source.has("fn h") && source.has("'a str"), "{}", source.code);
    assert_eq!(source.text.lines().count(), source.code.lines().count());
    assert_eq!(source.text.len(), source.code.len());
}

#[test]
fn a_literal_is_told_from_a_mere_name() {
    let builds = |code: &str| Source::new("x.rs", code).builds("Permit");
    for code in [
        "Ok(Permit { a })",
        "let Permit { a } = p;",
        "x(crate::decide::Permit {a})",
        "Permit(a)",
        "=> Permit { a }",
    ] {
        assert!(builds(code), "{code}");
    }
    for code in [
        "struct Permit {",
        "impl Permit {",
        "fn f() -> Permit {",
        "fn f() -> &'a mut Permit {",
        "impl From<A> for Permit {",
        "a: Permit }",
        "impl<'a> Permit {",
    ] {
        assert!(!builds(code), "{code}");
    }
}

#[test]
fn words_end_where_identifiers_end() {
    let source = Source::new("x.rs", "tokio::spawn; my_tokio; tokio_util");
    assert_eq!(source.count("tokio"), 1);
}
