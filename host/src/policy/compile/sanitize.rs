//! `[sanitize]`, checked, with defaults.

use super::count;
use super::limits::size;
use crate::policy::compiled::SanitizeSettings;
use crate::policy::diagnostic::Diagnostics;
use crate::policy::document::units::Bytes;
use crate::policy::document::{self, Cursor};
use crate::sanitizer::Bounds;

const STRING: Bytes = Bytes(Bounds::STRING_BYTES_MAX as u64);
const TEXT: Bytes = Bytes(Bounds::TOTAL_BYTES_MAX as u64);
/// What a model is shown is never longer than the longest output.
const BYTES_MAX: Bytes = Bytes(64 << 20);
const DEPTH: u64 = Bounds::DEPTH_MAX as u64;
const DEPTH_MAX: u64 = Bounds::DEPTH_CEILING as u64;

pub(super) fn compile(
    section: Option<document::Sanitize>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> SanitizeSettings {
    let section = section.unwrap_or_default();
    let depth = count(section.depth_max, DEPTH, DEPTH_MAX, (cursor, "depth_max"), diagnostics);
    SanitizeSettings {
        string_bytes_max: size(section.string_max, STRING, BYTES_MAX, (cursor, "string_max"), diagnostics),
        text_bytes_max: size(section.text_max, TEXT, BYTES_MAX, (cursor, "text_max"), diagnostics),
        depth_max: u32::try_from(depth).unwrap_or(u32::MAX),
    }
}
