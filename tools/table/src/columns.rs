//! The names of columns, and finding one. Not their content.
//!
//! Invariant: names differ from each other, and a name that is not there is answered with the nearest.

use toolgate_sdk::Failure;

/// Names listed in a sentence.
const NAMES_SHOWN_MAX: usize = 30;

/// Unique names, from the cells of a header: an empty one becomes `column_3`, a repeated one `price_2`.
pub(crate) fn unique(header: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, number) in header.zip(1_usize..) {
        let name = match name.trim() {
            "" => format!("column_{number}"),
            name => name.to_owned(),
        };
        let mut candidate = name.clone();
        let mut copy = 2_usize;
        while names.contains(&candidate) {
            candidate = format!("{name}_{copy}");
            copy = copy.saturating_add(1);
        }
        names.push(candidate);
    }
    names
}

/// The place of a column; letter case counts only where two names differ in nothing else.
pub(crate) fn find(names: &[String], name: &str) -> Result<usize, Failure> {
    let exact = names.iter().position(|other| other == name);
    let place = exact.or_else(|| names.iter().position(|other| other.to_lowercase() == name.to_lowercase()));
    place.ok_or_else(|| unknown(names, name))
}

fn unknown(names: &[String], name: &str) -> Failure {
    let near = nearest(names, name).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let shown =
        names.iter().take(NAMES_SHOWN_MAX).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if names.len() > NAMES_SHOWN_MAX { " and more" } else { "" };
    Failure::invalid_input(format!("there is no column `{name}`: {near}The columns: {shown}{more}"))
}

/// The name that a slip explains, or that the word is a part of.
fn nearest<'n>(names: &'n [String], name: &str) -> Option<&'n str> {
    let fold = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
    let wanted = fold(name);
    let slip = names.iter().map(|other| (strsim::osa_distance(&wanted, &fold(other)), other)).min();
    slip.filter(|(distance, other)| distance.saturating_mul(3) <= other.chars().count().max(3))
        .map(|(_, other)| other)
        .or_else(|| names.iter().find(|other| !wanted.is_empty() && fold(other).contains(&wanted)))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        unique(["Order ID", "amount", "amount", "", "Net amount EUR"].map(str::to_owned).into_iter())
    }

    #[test]
    fn names_are_made_unique() {
        assert_eq!(names(), ["Order ID", "amount", "amount_2", "column_4", "Net amount EUR"]);
        let tricky = unique(["a_2", "a", "a"].map(str::to_owned).into_iter());
        assert_eq!(tricky, ["a_2", "a", "a_3"]);
    }

    #[test]
    fn a_column_is_found_whatever_its_letter_case() {
        assert_eq!(find(&names(), "order id"), Ok(0));
    }

    #[test]
    fn an_unknown_column_is_answered_with_the_nearest_and_the_list() {
        let said = |name: &str| find(&names(), name).expect_err(name).message;
        assert!(said("amuont").contains("did you mean `amount`?"));
        assert!(said("order_id").contains("did you mean `Order ID`?"));
        assert!(said("net").contains("did you mean `Net amount EUR`?"));
        assert!(!said("customer").contains("did you mean"));
        assert!(said("customer").contains("The columns: `Order ID`, `amount`"));
    }
}
