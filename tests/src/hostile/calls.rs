//! Guests that misuse a single host function.

use super::hostile;
use super::room::{completes, ends_with};

hostile! {
    random_gib_at_once => ends_with("trap").because("random bytes");
    charge_overflow => completes(|one| *one == 1);
}
