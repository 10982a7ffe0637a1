//! Finds the top-level `id` of a JSON object by streaming, for a line that is too long to keep.
//!
//! Not here: validation. The line is refused whatever it holds; this only tells whom to answer.
//! Invariant: memory is bounded by [`TOKEN_BYTES_MAX`], whatever the input.

use rmcp::model::RequestId;

/// The longest key or id that is looked at; longer ones are not `id` or not worth echoing.
const TOKEN_BYTES_MAX: usize = 256;

/// A byte-wise reader of one object's top level.
#[derive(Debug, Default)]
pub(super) struct IdSkimmer {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// True between a top-level `:` and the `,` or `}` that ends its value.
    in_value: bool,
    /// The key before the value being read is `id`.
    key_is_id: bool,
    /// The raw top-level key, or the raw value of `id`, read so far.
    token: Vec<u8>,
    /// What the first member named `id` held, once it has ended.
    id: Option<Option<RequestId>>,
}

impl IdSkimmer {
    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.id.is_some() {
                return;
            }
            self.step(byte);
        }
    }

    /// The id, when the first member of that name was a string or an integer.
    pub(super) fn finish(self) -> Option<RequestId> {
        self.id.flatten()
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.keep(byte);
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => {
                self.end_of_value();
                self.depth = self.depth.saturating_sub(1);
                self.keep(byte);
            }
            b':' if self.depth == 1 => {
                self.key_is_id = serde_json::from_slice::<String>(&self.token).is_ok_and(|key| key == "id");
                self.token.clear();
                self.in_value = true;
            }
            b',' => self.end_of_value(),
            _ => self.keep(byte),
        }
    }

    /// Keeps a byte of a top-level key or of the id's value.
    fn keep(&mut self, byte: u8) {
        let wanted = if self.in_value { self.key_is_id } else { self.depth == 1 };
        if wanted && self.token.len() <= TOKEN_BYTES_MAX {
            self.token.push(byte);
        }
    }

    fn end_of_value(&mut self) {
        if self.depth != 1 {
            return;
        }
        if self.in_value && self.key_is_id {
            let whole = self.token.len() <= TOKEN_BYTES_MAX;
            self.id = Some(serde_json::from_slice(&self.token).ok().filter(|_| whole));
        }
        self.in_value = false;
        self.key_is_id = false;
        self.token.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skim(line: &[u8]) -> Option<RequestId> {
        let mut skimmer = IdSkimmer::default();
        skimmer.feed(line);
        skimmer.finish()
    }

    #[test]
    fn the_top_level_id_is_found_wherever_it_stands() {
        for line in [
            r#"{"id":7,"params":{}}"#,
            r#"{ "jsonrpc" : "2.0" , "params" : {"id":1,"a":[{"id":2}]} , "id" : 7 }"#,
            r#"{"x":"\"id\":3,{","id":7}"#,
        ] {
            assert_eq!(skim(line.as_bytes()), Some(RequestId::Number(7)), "{line}");
        }
        assert_eq!(skim(br#"{"\u0069d":"a\"b"}"#), Some(RequestId::String("a\"b".into())));
    }

    #[test]
    fn an_id_that_is_no_string_or_integer_is_none() {
        for line in [
            r#"{"id":null}"#,
            r#"{"id":[1]}"#,
            r#"{"id":{"id":1}}"#,
            r#"{"id":1.5}"#,
            r#"[{"id":1}]"#,
            r#"{"id":null,"id":1}"#,
            r#"{"id":{"a":1},"id":1}"#,
            "7",
            "",
        ] {
            assert_eq!(skim(line.as_bytes()), None, "{line}");
        }
        let long = format!(r#"{{"id":"{}"}}"#, "a".repeat(TOKEN_BYTES_MAX));
        assert_eq!(skim(long.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_object_tells_its_id_in_any_chunks(
            id in any::<i64>(), before in "\\PC{0,40}", after in "\\PC{0,40}", chunk in 1usize..9,
        ) {
            let line = serde_json::json!({"a": {"id": before}, "b": [after, {"id": 0}], "id": id, "z": after}).to_string();
            let mut skimmer = IdSkimmer::default();
            line.as_bytes().chunks(chunk).for_each(|part| skimmer.feed(part));
            prop_assert_eq!(skimmer.finish(), Some(RequestId::Number(id)));
        }

        #[test]
        fn random_bytes_never_grow_the_memory(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let mut skimmer = IdSkimmer::default();
            skimmer.feed(&bytes);
            prop_assert!(skimmer.token.len() <= TOKEN_BYTES_MAX + 1);
        }
    }
}
