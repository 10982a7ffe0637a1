//! Files for an agent: list, read, search, write, edit. Plain `std::fs`: which files there are is the
//! grant's decision, and a path that is refused looks like one that does not exist.
//!
//! Invariant: every answer is bounded by its arguments, and a file is replaced whole or not at all.

mod edit;
mod list;
mod missing;
mod names;
mod put;
mod read;
mod search;
mod text;
mod walk;
mod write;

toolgate_sdk::component!(
    list::list_files,
    read::read_file,
    search::search_files,
    write::write_file,
    edit::edit_file,
);
