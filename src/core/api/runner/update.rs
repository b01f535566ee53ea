//! `PUT jobs/:id` (runner-protocol 4.1).

use serde::{Deserialize, Serialize};

use super::{
    Info, Secret,
    wire::{is_default, wire},
};
use crate::{
    platform::{Arch, Platform},
    verdict::Verdict,
};

wire! {
    /// A runner tells a job's state; also its sign of life.
    pub struct JobUpdate {
        /// The job's token; also in the header.
        pub token: Secret,
        /// What the runner is.
        pub info: Info,
        /// The state.
        pub state: JobState,
        /// Why it failed (see [`super::reason`]); only with [`JobState::Failed`].
        #[serde(skip_serializing_if = "String::is_empty")]
        pub failure_reason: String,
        /// Of the script; left out when 0.
        #[serde(skip_serializing_if = "is_default")]
        pub exit_code: i32,
        /// The old place of `output.checksum`.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub checksum: String,
        /// Of the trace so far.
        pub output: Output,
        /// What our runner adds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub aqueduct: Option<UpdateExtension>,
    }

    /// What was sent of the trace.
    pub struct Output {
        /// `crc32:` and eight hexadecimal digits, IEEE, over all bytes.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub checksum: String,
        /// Bytes.
        #[serde(skip_serializing_if = "is_default")]
        pub bytesize: u64,
    }
}

impl Output {
    /// Of `bytes` bytes of trace with this CRC-32.
    pub fn new(crc: u32, bytes: u64) -> Self {
        Self {
            checksum: format!("crc32:{crc:08x}"),
            bytesize: bytes,
        }
    }

    /// The CRC-32, if it is one.
    pub fn crc(&self) -> Option<u32> {
        let digits = self.checksum.strip_prefix("crc32:")?;
        let plain = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    }
}

/// A job's state in a runner's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Received, and not begun: a sign of life.
    Pending,
    /// Begun or going on.
    Running,
    /// Ended well.
    Success,
    /// Ended otherwise.
    Failed,
    /// Something else, which a server answers with 400.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What our runner adds to an update.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateExtension {
    /// [`super::EXTENSION_VERSION`] of the writer.
    #[serde(default)]
    pub version: u32,
    /// With [`JobState::Running`]: the script is about to start, here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Started>,
    /// With [`JobState::Failed`]: the whole verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// With an end: what the `coverage` expression found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
}

/// Where a script runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// `host`, `oci`, …
    pub executor: String,
    /// The architecture that its programs are for.
    pub arch: Arch,
    /// Through qemu.
    #[serde(default)]
    pub emulated: bool,
    /// The image's manifest digest, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// The image's platform, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}
