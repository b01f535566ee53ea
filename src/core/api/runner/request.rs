//! `POST jobs/request` (runner-protocol 3.1).

use serde::{Deserialize, Serialize};

use super::{
    Info, Secret,
    wire::{is_default, wire},
};
use crate::sched::Offer;

wire! {
    /// A runner asks for a job.
    pub struct JobRequest {
        /// The runner's token; also in the header.
        pub token: Secret,
        /// Which process or machine asks.
        pub system_id: String,
        /// The queue's cursor as last received.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub last_update: String,
        /// What the runner is.
        pub info: Info,
        /// Where it serves terminals; none of ours does.
        #[serde(skip_serializing_if = "is_default")]
        pub session: Option<Session>,
        /// What our runner adds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub aqueduct: Option<RequestExtension>,
    }

    /// A runner's session server.
    pub struct Session {
        /// Where.
        pub url: String,
        /// Its certificate, PEM.
        pub certificate: String,
        /// What a client must send as `Authorization`.
        pub authorization: Secret,
    }
}

/// What our runner adds to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestExtension {
    /// [`super::EXTENSION_VERSION`] of the writer.
    pub version: u32,
    /// Random for each process. A new one under the same token and system id means that the earlier process is dead.
    pub instance: String,
    /// What it takes.
    pub offer: Offer,
    /// Numbers of all jobs that the process has, if it says: any other that it was handed did not reach it, or is no longer with
    /// it. A process asks for one job at a time, and knows of each before it asks for the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Vec<u64>>,
}
