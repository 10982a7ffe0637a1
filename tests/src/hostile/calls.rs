//! Guests that misuse a single host function.

use super::hostile;
use super::room::ends_with;

hostile! {
    random_gib_at_once => ends_with("trap").because("random bytes");
    charge_overflow => ends_with("capability_denied").because("charged more");
}
