//! Bad input of every kind: a clear error, no panic, no hang, nothing overwritten.

mod arguments;
mod components;
mod ledgers;
mod pipes;
mod policies;
