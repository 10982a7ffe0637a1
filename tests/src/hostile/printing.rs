//! Guests that print, read and log without end.

use super::hostile;
use super::room::{LITTLE_FUEL, completes, ends_with};

hostile! {
    stdout_flood => completes(|writes| *writes == 1600);
    stdout_one_byte_writes => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    stdout_empty_writes => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    output_then_trap => ends_with("trap").because("unreachable");
    read_stdin_for_ever => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    log_flood => completes(|lines| *lines == 100_000).policy("grants = { log = true }");
    progress_flood => completes(|reports| *reports == 50_000);
    log_64_mib_line => ends_with("trap").because("too much data").policy("grants = { log = true }");
}
