//! Where the walk is: a JSON Pointer that costs nothing until it is needed.
//!
//! Invariant: a pointer is made of cleaned keys, so it is as safe to show as the value, and points into it.

use std::fmt::Write;

/// A longer pointer is given up for that of the nearest ancestor that fits: findings are short.
const POINTER_BYTES_MAX: usize = 256;

/// A place in a value, as a chain up to its root.
pub(super) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// The pointer (RFC 6901); empty for the root.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = match self {
            Self::Root => return String::new(),
            Self::Key(parent, _) | Self::Index(parent, _) => parent.pointer(),
        };
        let ancestor = pointer.len();
        match self {
            Self::Root => {}
            Self::Key(_, key) => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            // Writing to a string cannot fail.
            Self::Index(_, index) => drop(write!(pointer, "/{index}")),
        }
        if pointer.len() > POINTER_BYTES_MAX {
            pointer.truncate(ancestor);
        }
        pointer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_its_keys() {
        let list = Path::Key(&Path::Root, "a/b~c");
        assert_eq!(Path::Index(&list, 3).pointer(), "/a~1b~0c/3");
        assert_eq!(Path::Root.pointer(), "");
    }

    #[test]
    fn a_pointer_that_would_be_long_is_its_ancestors() {
        let short = Path::Key(&Path::Root, "a");
        let key = "k".repeat(POINTER_BYTES_MAX);
        assert_eq!(Path::Key(&short, &key).pointer(), "/a");
    }
}
