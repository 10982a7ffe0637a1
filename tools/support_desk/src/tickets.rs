//! `reply_to_ticket`: an answer into the outbox. Not reading tickets: `query_table` does that.
//!
//! Invariant: only a ticket that exists can be answered, and it has one answer: the last.

use crate::DESK;
use schemars::JsonSchema;
use serde::Serialize;
use std::fs;
use std::path::Path;
use toolgate_sdk::{Failure, tool};

/// A reply in the outbox.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Reply {
    ticket_id: String,
    /// Where it lies until it is sent.
    path: String,
    /// True when it takes the place of an earlier, different reply.
    replaced: bool,
}

/// Replies to a ticket: puts the text into the outbox, from where it is sent to the customer. A second reply
/// to the same ticket takes the place of the first.
#[tool(needs(fs))]
pub(crate) fn reply_to_ticket(
    /// As T-1.
    #[schemars(regex(pattern = "^T-[0-9]{1,4}$"))]
    ticket_id: String,
    /// The reply in Markdown, from greeting to signature.
    #[schemars(length(min = 20, max = 5_000))]
    text: String,
) -> Result<Reply, Failure> {
    reply(Path::new(DESK), ticket_id, &text)
}

fn reply(desk: &Path, ticket_id: String, text: &str) -> Result<Reply, Failure> {
    let known = ids(&desk.join("inbox/tickets.csv"))?;
    if !known.contains(&ticket_id) {
        let known = known.join(", ");
        return Err(Failure::not_found(format!("there is no ticket `{ticket_id}`; the tickets: {known}")));
    }
    let closed = |_| Failure::capability_denied("the desk's outbox cannot be used: the reply was not sent");
    let outbox = desk.join("outbox");
    if !outbox.is_dir() {
        fs::create_dir_all(&outbox).map_err(closed)?;
    }
    let path = outbox.join(format!("ticket-{ticket_id}.md"));
    let replaced = fs::read_to_string(&path).is_ok_and(|before| before != text);
    fs::write(&path, text).map_err(closed)?;
    Ok(Reply { ticket_id, path: path.display().to_string(), replaced })
}

/// The first column of the tickets.
fn ids(path: &Path) -> Result<Vec<String>, Failure> {
    let unavailable = |_| Failure::unavailable("the tickets cannot be read now: tell the person in charge");
    let text = fs::read_to_string(path).map_err(unavailable)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let ids =
        reader.records().map(|record| record.map(|record| record.get(0).unwrap_or_default().to_owned()));
    ids.collect::<Result<_, _>>()
        .map_err(|error| Failure::internal(format!("the tickets are damaged: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;
    use toolgate_sdk::FailureKind;

    fn desk() -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let tickets = Path::new(env!("CARGO_MANIFEST_DIR")).join("desk/inbox/tickets.csv");
        fs::create_dir(folder.path().join("inbox")).expect("a folder");
        fs::copy(tickets, folder.path().join("inbox/tickets.csv")).expect("the tickets");
        folder
    }

    #[test]
    fn a_reply_lies_in_the_outbox_and_a_second_one_takes_its_place() {
        let desk = desk();
        let first = reply(desk.path(), "T-3".to_owned(), "Dear Ana").expect("a reply");
        assert!(!first.replaced && first.path.ends_with("outbox/ticket-T-3.md"));
        let same = reply(desk.path(), "T-3".to_owned(), "Dear Ana").expect("the same reply");
        assert_eq!(same, first);
        assert!(reply(desk.path(), "T-3".to_owned(), "Hello").expect("another").replaced);
        assert_eq!(fs::read_to_string(first.path).expect("the reply"), "Hello");
    }

    #[test]
    fn a_ticket_that_is_not_there_is_answered_with_those_that_are() {
        let failure = reply(desk().path(), "T-99".to_owned(), "Hello").expect_err("eight tickets");
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(failure.message.ends_with("T-1, T-2, T-3, T-4, T-5, T-6, T-7, T-8"), "{failure}");
    }
}
