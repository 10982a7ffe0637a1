//! Which run, call or approval a person means: its id, or the beginning of it.
//!
//! Not here: switches (`kill.rs`), `call --run` and `run start --parent`, which take whole ids alone. Invariants: a
//! beginning that could mean two is refused with both; one that an empty variable of a shell leaves behind means nothing.

use super::CliError;
use super::ledger::LedgerArg;
use toolgate::call::RunId;
use toolgate::sanitizer::clean_line;

/// Digits that a beginning has at least.
const DIGITS_MIN: usize = 4;

/// Candidates that a refusal lists.
const LISTED_MAX: usize = 10;

/// The one of these ids that the text is, or begins; `None` where it begins none.
pub(super) fn resolve(text: &str, ids: impl IntoIterator<Item = String>) -> Result<Option<String>, CliError> {
    let shown = clean_line(text);
    if text.split_once('_').is_none_or(|(_, digits)| digits.len() < DIGITS_MIN) {
        return Err(CliError::Usage(format!(
            "`{shown}` is no id: give all of one, or at least its kind and {DIGITS_MIN} digits, such as `run_01ab`"
        )));
    }
    let mut found: Vec<String> = ids.into_iter().filter(|id| id.starts_with(text)).collect();
    if found.len() <= 1 {
        return Ok(found.pop());
    }
    let more = found.len().saturating_sub(LISTED_MAX);
    found.truncate(LISTED_MAX);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(CliError::Usage(format!(
        "`{shown}` could be any of {}{and_more}: give more of its digits",
        found.join(", ")
    )))
}

/// The run of the ledger that the text names. A whole id is taken as it is.
pub(super) fn run(text: &str, ledger: &LedgerArg) -> Result<RunId, CliError> {
    if let Ok(run) = text.parse() {
        return Ok(run);
    }
    let runs = ledger.read()?.runs()?;
    let found = resolve(text, runs.iter().map(|run| run.run.to_string()))?;
    found.and_then(|id| id.parse().ok()).ok_or_else(|| {
        let shown = clean_line(text);
        CliError::Usage(format!("no run of the ledger begins with `{shown}`; `toolgate runs` lists them"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 3] = ["apr_0123456789abcdef", "apr_01234fffffffffff", "apr_fedcba9876543210"];

    fn means(text: &str) -> Result<Option<String>, String> {
        resolve(text, IDS.map(str::to_owned)).map_err(|error| match error {
            CliError::Usage(sentence) => sentence,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn an_id_or_the_beginning_of_one_alone_means_it() {
        for text in [IDS[0], "apr_012345", "apr_01234567"] {
            assert_eq!(means(text), Ok(Some(IDS[0].to_owned())), "{text}");
        }
        assert_eq!(means("apr_fedc"), Ok(Some(IDS[2].to_owned())));
        for text in ["apr_0000", "run_fedc", "apr_0123456789abcdef0"] {
            assert_eq!(means(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn the_beginning_of_two_is_refused_with_both() {
        for text in ["apr_0123", "apr_01234"] {
            let sentence = means(text).expect_err("it is ambiguous");
            assert!(sentence.contains(IDS[0]) && sentence.contains(IDS[1]), "{sentence}");
            assert!(!sentence.contains(IDS[2]), "{sentence}");
        }
        let many = (0..100).map(|n| format!("run_0000{n:03}"));
        let Err(CliError::Usage(sentence)) = resolve("run_0000", many) else { panic!("it is ambiguous") };
        assert!(sentence.contains("and 90 more") && sentence.len() < 400, "{sentence}");
    }

    #[test]
    fn what_is_hardly_an_id_means_nothing() {
        for text in ["", "apr_", "apr_fed", "fedcba98", "_", "apr"] {
            assert!(means(text).is_err_and(|sentence| sentence.contains("is no id")), "{text}");
        }
    }
}
