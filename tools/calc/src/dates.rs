//! `add_to_date` and `date_difference`, in the Gregorian calendar. Not time zones: a time of day is what
//! a clock on the wall shows.
//!
//! Invariant: a date without a time of day stays one, unless hours, minutes or seconds are added to it.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, SpanRound, Unit};
use schemars::JsonSchema;
use serde::Serialize;
use toolgate_sdk::{Failure, tool};

/// Characters of a date without a time of day: `2026-02-28`.
const DATE_CHARS: usize = 10;

/// A day, and where it lies.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Day {
    /// As 2026-02-28, or as 2026-02-28T17:30:00 when there is a time of day.
    date: String,
    /// As "Saturday".
    weekday: String,
    /// ISO 8601 week, as "2026-W09".
    week: String,
    /// From 1.
    day_of_year: i16,
}

/// The time from one date to another; all numbers are negative when it goes back.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Difference {
    /// Whole years; then come the months.
    years: i64,
    /// Whole months beyond the years.
    months: i64,
    /// Whole days beyond the months.
    days: i64,
    /// Seconds beyond the days.
    seconds: i64,
    /// The whole time in days, rounded towards zero.
    total_days: i64,
    /// The whole time in seconds.
    total_seconds: i64,
    /// Mondays to Fridays from the first date, counted, to the second, not counted. Holidays are not
    /// known here.
    working_days: i64,
}

/// Adds a span of time to a date, or takes it away; also tells a date's weekday and week (add "0 days").
/// Use it instead of counting yourself. The last day of a month stays within the month: 2026-01-31 plus
/// 1 month is 2026-02-28. It does not know what day it is today.
#[tool]
pub(crate) fn add_to_date(
    /// As 2026-01-31, or as 2026-01-31T17:30:00.
    #[schemars(length(max = 40))]
    date: String,
    /// As "90 days", "1 year 2 months", "-3 weeks", "36 hours"; or ISO 8601, as "P1M".
    #[schemars(length(max = 100))]
    span: String,
) -> Result<Day, Failure> {
    let (start, timed) = parse("date", &date)?;
    let span: Span = span.parse().map_err(|_| {
        Failure::invalid_input(format!(
            "`span`: `{span}` is no span of time: write it like \"90 days\" or \"-1 month 2 weeks\""
        ))
    })?;
    let end = start
        .checked_add(span)
        .map_err(|_| Failure::invalid_input("the result lies outside the years -9999 to 9999"))?;
    let timed = timed || end.time() != start.time();
    let week = end.iso_week_date();
    Ok(Day {
        date: if timed { end.to_string() } else { end.date().to_string() },
        weekday: weekday(end.weekday()).to_owned(),
        week: format!("{:04}-W{:02}", week.year(), week.week()),
        day_of_year: end.day_of_year(),
    })
}

/// Tells how much time lies between two dates: in years, months and days, in days, in seconds, and in
/// working days. Use it instead of counting yourself.
#[tool]
pub(crate) fn date_difference(
    /// As 2026-01-31, or as 2026-01-31T17:30:00.
    #[schemars(length(max = 40))]
    from: String,
    /// The same; earlier than `from` gives negative numbers.
    #[schemars(length(max = 40))]
    to: String,
) -> Result<Difference, Failure> {
    let (from, _) = parse("from", &from)?;
    let (to, _) = parse("to", &to)?;
    let calendar = from.until((Unit::Year, to)).map_err(beyond)?;
    let seconds = from.until((Unit::Second, to)).map_err(beyond)?.get_seconds();
    let clock = calendar
        .years(0)
        .months(0)
        .weeks(0)
        .days(0)
        .round(SpanRound::new().largest(Unit::Second).smallest(Unit::Second))
        .map_err(beyond)?;
    Ok(Difference {
        years: calendar.get_years().into(),
        months: calendar.get_months().into(),
        days: calendar.get_days().into(),
        seconds: clock.get_seconds(),
        total_days: seconds / 86_400,
        total_seconds: seconds,
        working_days: working_days(from.date(), to.date()),
    })
}

fn beyond(error: jiff::Error) -> Failure {
    Failure::invalid_input(format!("these dates cannot be compared: {error}"))
}

/// The date, and whether it has a time of day.
fn parse(field: &str, text: &str) -> Result<(DateTime, bool), Failure> {
    let text = text.trim();
    match text.parse::<DateTime>() {
        Ok(date) => Ok((date, text.len() > DATE_CHARS)),
        Err(_) => Err(Failure::invalid_input(format!(
            "`{field}`: `{text}` is no date: write it like 2026-01-31 or 2026-01-31T17:30:00, without a zone"
        ))),
    }
}

fn working_days(from: Date, to: Date) -> i64 {
    if to < from {
        return -working_days(to, from);
    }
    let days = i64::from(from.until(to).map_or(0, |span| span.get_days()));
    let first = i64::from(from.weekday().to_monday_zero_offset());
    // Up to a day that is `offset` days after a Monday: five in each week, and at most five of the last.
    let until = |offset: i64| offset / 7 * 5 + (offset % 7).min(5);
    until(first + days) - until(first)
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use proptest::prelude::*;

    fn sum(date: &str, span: &str) -> Day {
        add_to_date(date.to_owned(), span.to_owned()).expect("a date")
    }

    fn between(from: &str, to: &str) -> Difference {
        date_difference(from.to_owned(), to.to_owned()).expect("two dates")
    }

    #[test]
    fn a_month_after_the_last_day_is_the_last_day() {
        let day = sum("2026-01-31", "1 month");
        assert_eq!(day.date, "2026-02-28");
        assert_eq!(day.weekday, "Saturday");
        assert_eq!(day.week, "2026-W09");
        assert_eq!(day.day_of_year, 59);
    }

    #[test]
    fn spans_may_be_negative_mixed_and_iso() {
        assert_eq!(sum("2026-03-01", "-1 day").date, "2026-02-28");
        assert_eq!(sum("2024-02-29", "1 year 2 months 3 days").date, "2025-05-02");
        assert_eq!(sum("2026-01-01", "P2W").date, "2026-01-15");
    }

    #[test]
    fn a_time_of_day_appears_only_when_there_is_one() {
        assert_eq!(sum("2026-01-01", "36 hours").date, "2026-01-02T12:00:00");
        assert_eq!(sum("2026-01-01", "48 hours").date, "2026-01-03");
        assert_eq!(sum("2026-01-01T00:00:00", "1 day").date, "2026-01-02T00:00:00");
    }

    #[test]
    fn a_difference_is_given_in_every_way() {
        let difference = between("2026-01-31", "2027-03-01T06:00:00");
        assert_eq!((difference.years, difference.months, difference.days), (1, 1, 1));
        assert_eq!(difference.seconds, 6 * 3600);
        assert_eq!(difference.total_days, 394);
        assert_eq!(difference.total_seconds, 394 * 86_400 + 6 * 3600);
    }

    #[test]
    fn working_days_leave_out_weekends() {
        assert_eq!(between("2026-11-20", "2026-11-23").working_days, 1);
        assert_eq!(between("2026-11-21", "2026-11-23").working_days, 0);
        assert_eq!(between("2026-11-23", "2026-11-20").working_days, -1);
        assert_eq!(between("2026-01-01", "2027-01-01").working_days, 261);
    }

    #[test]
    fn what_is_no_date_is_refused_with_the_way_to_write_it() {
        for text in ["tomorrow", "31.01.2026", "2026-02-30", "", "2026-01-31T10:00:00Z"] {
            let refusal = add_to_date(text.to_owned(), "1 day".to_owned()).expect_err(text);
            assert!(refusal.message.contains("2026-01-31"), "{refusal}");
        }
        let refusal = add_to_date("2026-01-31".to_owned(), "soon".to_owned()).expect_err("no span");
        assert!(refusal.message.contains("90 days"), "{refusal}");
    }

    #[test]
    fn a_result_beyond_the_calendar_is_refused() {
        assert!(add_to_date("9999-12-31".to_owned(), "1 day".to_owned()).is_err());
        between("-009999-01-01", "9999-12-31");
    }

    proptest! {
        #[test]
        fn working_days_are_what_counting_gives(start in 0_i32..4_000, length in 0_i32..1_000) {
            let epoch = jiff::civil::date(2020, 1, 1);
            let from = epoch + i64::from(start).days();
            let counted = (0..length)
                .filter(|days| (from + i64::from(*days).days()).weekday().to_monday_zero_offset() < 5)
                .count();
            let to = from + i64::from(length).days();
            prop_assert_eq!(working_days(from, to), i64::try_from(counted).expect("small"));
        }

        #[test]
        fn no_text_makes_it_panic(date in ".{0,20}", span in ".{0,20}") {
            let _ = add_to_date(date.clone(), span.clone());
            let _ = date_difference(date, span);
        }
    }
}
