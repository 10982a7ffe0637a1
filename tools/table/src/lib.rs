//! Queries over tables: CSV text, CSV files and XLSX sheets. Not a database: each call reads its table.
//!
//! Invariant: sums and comparisons are exact decimals; a column that does not exist is an error, never an
//! empty answer.

mod aggregate;
mod cell;
mod columns;
mod filter;
mod query;
mod source;
mod table;
mod xlsx;

toolgate_sdk::component!(query::query_table);
