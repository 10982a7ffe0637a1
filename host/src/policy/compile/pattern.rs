//! `matches` patterns: compiled once, linear-time, bounded.

use regex::{Regex, RegexBuilder};

/// A longer pattern is a data file, not a rule.
const PATTERN_BYTES_MAX: usize = 4_096;
/// The compiled program: nested repetitions multiply, and this stops them early.
const PROGRAM_BYTES_MAX: usize = 256 << 10;
/// The lazy automaton that is built while matching; beyond it matching is slower, still linear.
const AUTOMATON_BYTES_MAX: usize = 1 << 20;
const NESTING_MAX: u32 = 64;

/// A pattern that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    /// The text itself.
    #[error("it is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    /// What it becomes.
    #[error("it becomes too large when it is compiled")]
    TooLarge,
    /// Not a pattern of this kind.
    #[error("{0}")]
    Syntax(String),
}

/// Compiles a pattern.
pub(super) fn compile(pattern: &str) -> Result<Regex, PatternError> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(PatternError::TooLong);
    }
    let compiled = RegexBuilder::new(pattern)
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(AUTOMATON_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build();
    compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
        // The last line says what is wrong; the ones above draw the pattern.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or("");
            PatternError::Syntax(last.trim_start_matches("error: ").to_owned())
        }
    })
}

/// True when the pattern plainly begins at the beginning: `^` or `\A`, after flags at most, and no
/// alternative beside it.
pub(super) fn is_anchored(pattern: &str) -> bool {
    let flags_end = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    let body = match flags_end {
        Some((flags, rest)) if flags.chars().all(|c| matches!(c, 'i' | 's' | 'u' | 'x' | 'U')) => rest,
        _ => pattern,
    };
    let is_led = body.starts_with('^') || body.starts_with("\\A");
    is_led && !has_alternative(body)
}

/// True when `|` stands outside every group and class.
fn has_alternative(body: &str) -> bool {
    let (mut depth, mut in_class, mut escaped) = (0_usize, false, false);
    for c in body.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            _ if in_class => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_counts_only_when_every_alternative_has_it() {
        for pattern in ["^a", r"\Aa", "(?i)^a", "^(a|b)$", "^[|]", r"^a\|b"] {
            assert!(is_anchored(pattern), "{pattern}");
        }
        for pattern in ["a", "^a|b", "a^", "(?m)^a", "(^a)", ""] {
            assert!(!is_anchored(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_is_not_linear_or_too_large_is_refused() {
        for pattern in ["(?=a)", r"(a)\1", "(", &"(".repeat(99)] {
            assert!(matches!(compile(pattern), Err(PatternError::Syntax(_))), "{pattern}");
        }
        assert_eq!(compile("((a{99}){99}){99}").unwrap_err(), PatternError::TooLarge);
        assert_eq!(compile(&"a".repeat(4_097)).unwrap_err(), PatternError::TooLong);
    }
}
