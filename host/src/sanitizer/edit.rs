//! Edits to one string: what was cut out or replaced, and where each place was in the raw string.
//!
//! Invariant: unless something was edited, nothing was copied.

/// Copies a raw string piece by piece, leaving out or replacing what is cut.
pub(super) struct Splice<'a> {
    raw: &'a str,
    out: String,
    /// Raw bytes copied or cut so far.
    done: usize,
    edits: Edits,
}

/// Where the places of an edited string were in the raw one.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// (first byte of the edited string behind an edit, the same place in the raw string), ascending.
    marks: Vec<(usize, usize)>,
}

impl<'a> Splice<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        Self { raw, out: String::new(), done: 0, edits: Edits::default() }
    }

    /// Puts `by` in the place of `start..end`. Calls come in ascending order and do not overlap.
    pub(super) fn replace(&mut self, start: usize, end: usize, by: &str) {
        if self.edits.marks.is_empty() {
            self.out.reserve(self.raw.len());
        }
        self.out.push_str(self.raw.get(self.done..start).unwrap_or_default());
        self.out.push_str(by);
        self.done = end;
        let mark = (self.out.len(), end);
        match self.edits.marks.last_mut() {
            Some(last) if last.0 == mark.0 => *last = mark,
            _ => self.edits.marks.push(mark),
        }
    }

    /// The edited string, if there was any edit.
    pub(super) fn finish(mut self) -> Option<(String, Edits)> {
        if self.edits.marks.is_empty() {
            return None;
        }
        self.out.push_str(self.raw.get(self.done..).unwrap_or_default());
        Some((self.out, self.edits))
    }
}

impl Edits {
    /// The raw place of a place in the edited string.
    pub(super) fn raw(&self, place: usize) -> usize {
        let behind = self.marks.partition_point(|(edited, _)| *edited <= place);
        match self.marks.get(..behind).and_then(<[_]>::last) {
            Some((edited, raw)) => raw + (place - edited),
            None => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_an_edited_string_lead_back_to_the_raw_one() {
        let mut splice = Splice::new("ab--cd++ef");
        splice.replace(2, 4, "");
        splice.replace(6, 8, "*");
        let (text, edits) = splice.finish().unwrap();
        assert_eq!(text, "abcd*ef");
        let places: Vec<usize> = (0..text.len()).map(|place| edits.raw(place)).collect();
        assert_eq!(places, [0, 1, 4, 5, 6, 8, 9]);
    }

    #[test]
    fn without_edits_there_is_no_copy() {
        assert!(Splice::new("abc").finish().is_none());
    }
}
