//! Doc comments as a model reads them: the line breaks of source code are not the text's. Not Markdown
//! rendering: nothing but line breaks changes.
//!
//! Invariant: paragraphs, lists, headings, indented and fenced code keep their lines.

/// Joins the lines of each paragraph.
pub(crate) fn unwrapped(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let (mut fenced, mut open) = (false, false);
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        let prose = !fenced && !fence && !line.trim().is_empty();
        if prose && open && !starts_own_line(line) {
            joined.push(' ');
            joined.push_str(line.trim_start());
        } else {
            if !joined.is_empty() {
                joined.push('\n');
            }
            joined.push_str(line);
        }
        fenced ^= fence;
        open = prose && !line.starts_with('#');
    }
    joined
}

/// True for a list item, a heading, a quotation, a row of a table, and indented code.
fn starts_own_line(line: &str) -> bool {
    let number = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let numbered = number.len() < line.len() && number.starts_with(". ");
    numbered || ["- ", "* ", "+ ", "#", ">", "|", "    ", "\t"].iter().any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::unwrapped;

    #[test]
    fn the_lines_of_a_paragraph_are_joined() {
        assert_eq!(unwrapped("One\ntwo.\n\nThree\n four."), "One two.\n\nThree four.");
        assert_eq!(unwrapped(""), "");
    }

    #[test]
    fn lists_headings_and_code_keep_their_lines() {
        let text = "# Use\nFor:\n- a\n- b\n1. c\n2. d\n    code\n```\nx\ny\n```\nend";
        assert_eq!(unwrapped(text), text);
    }

    #[test]
    fn an_item_may_go_on_in_the_next_line() {
        assert_eq!(unwrapped("- a\n  b\n- c"), "- a b\n- c");
    }
}
