//! `[tools.NAME.grants]`: what the tool may reach. Everything is off unless it stands here.

use super::units::Bytes;
use crate::policy::compiled::Access;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the tool may reach. Everything is off unless it stands here.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Grants {
    /// Folders of the host.
    #[serde(default)]
    pub(in crate::policy) fs: Vec<Fs>,
    /// Environment values that the tool sees, name to value.
    #[serde(default)]
    pub(in crate::policy) env: BTreeMap<String, String>,
    /// The real clock; otherwise it stands at the call's start. Default: false.
    #[serde(default)]
    pub(in crate::policy) clock: bool,
    /// Real entropy; otherwise a generator seeded from the call's id. Default: false.
    #[serde(default)]
    pub(in crate::policy) random: bool,
    /// Keep the tool's log lines on the ledger; otherwise they are dropped. Default: false.
    #[serde(default)]
    pub(in crate::policy) log: bool,
}

/// One folder of the host, shown to the tool.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Fs {
    /// The host folder, absolute or relative to this file's folder.
    pub(in crate::policy) host: String,
    /// Where the tool sees it, such as `/work`.
    #[schemars(regex(pattern = r"^/"))]
    pub(in crate::policy) guest: String,
    /// `read` or `read-write`. Default: `read`.
    pub(in crate::policy) access: Option<Access>,
    /// What one call may write here, in total. Default: `16MiB`. Only for `read-write`.
    pub(in crate::policy) bytes_max: Option<Bytes>,
    /// Files and folders that one call may make here. Default: 100. Only for `read-write`.
    #[schemars(range(min = 1))]
    pub(in crate::policy) files_max: Option<u64>,
}
