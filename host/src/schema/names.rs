//! The names of one object, and which of them stands twice.

use std::borrow::Cow;

/// Names up to this many are compared pair by pair, more are sorted.
const COMPARED_PAIRWISE: usize = 8;

/// A name as decoded, and where it stands.
pub(super) struct Name<'a> {
    pub(super) text: Cow<'a, [u8]>,
    pub(super) at: usize,
}

/// The earliest name that repeats another; may reorder `names`.
pub(super) fn repeated<'n, 'a>(names: &'n mut [Name<'a>]) -> Option<&'n Name<'a>> {
    if names.len() <= COMPARED_PAIRWISE { repeated_pairwise(names) } else { repeated_sorted(names) }
}

fn repeated_pairwise<'n, 'a>(names: &'n [Name<'a>]) -> Option<&'n Name<'a>> {
    let mut earlier = names.iter().enumerate();
    earlier
        .find(|(index, name)| names.iter().take(*index).any(|other| other.text == name.text))
        .map(|(_, name)| name)
}

fn repeated_sorted<'n, 'a>(names: &'n mut [Name<'a>]) -> Option<&'n Name<'a>> {
    names.sort_unstable_by(|a, b| a.text.cmp(&b.text).then(a.at.cmp(&b.at)));
    let pairs = names.iter().zip(names.iter().skip(1));
    let repeats = pairs.filter(|(a, b)| a.text == b.text).map(|(_, b)| b);
    repeats.min_by_key(|name| name.at)
}
