//! Paths as text: whether one lies inside another, as far as the words tell.
//!
//! Not here: links and what is on the disk; the sandbox's fs grants look there before anything runs.
//! Invariant: the answer may only ever add a refusal, never take one away.

use std::path::{Component, Path, PathBuf};

/// True when one is the other, or lies inside it, as far as the text tells.
pub(super) fn nested(a: &Path, b: &Path) -> bool {
    inside(a, b) || inside(b, a)
}

fn inside(inner: &Path, outer: &Path) -> bool {
    let (inner, outer) = (lexical(inner), lexical(outer));
    if inner.has_root() != outer.has_root() {
        return false;
    }
    let ups = |path: &Path| path.components().take_while(|part| *part == Component::ParentDir).count();
    let only_ups = ups(&outer) == outer.components().count();
    (ups(&inner) == ups(&outer) && inner.starts_with(&outer)) || (ups(&inner) < ups(&outer) && only_ups)
}

/// The path without `.`, and without `..` where the text alone can tell. Links can
/// make this wrong.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let last = plain.components().next_back();
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(last, Some(Component::Normal(_))) => {
                plain.pop();
            }
            Component::ParentDir if plain.has_root() => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_of_relative_paths_is_told_by_their_text() {
        let is_nested = |a: &str, b: &str| nested(Path::new(a), Path::new(b));
        for (a, b) in [("a", "a/b"), (".", "a"), ("..", "."), ("..", "a"), ("../..", "../x"), ("./a/", "a")] {
            assert!(is_nested(a, b) && is_nested(b, a), "{a} {b}");
        }
        for (a, b) in [("a", "ab"), (".", "../x"), ("/a", "a"), ("../a", "../b"), ("/a", "/b")] {
            assert!(!is_nested(a, b) && !is_nested(b, a), "{a} {b}");
        }
    }
}
