//! Forges: what their webhooks say, and what is told to them.

use std::{collections::BTreeMap, fmt};

use aqueduct_core::{
    refs::{RefEvent, RemoteUrl},
    time::{Millis, Timestamp},
};
use async_trait::async_trait;

/// Longest body of a webhook, in bytes: GitHub sends none that is longer.
pub const HOOK_LIMIT: usize = 25 << 20;

/// Whose webhooks are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea, and Forgejo, which sends the same.
    Gitea,
}

impl Forge {
    /// By the name in a webhook's address.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "github" => Some(Self::GitHub),
            "gitlab" => Some(Self::GitLab),
            "gitea" | "forgejo" => Some(Self::Gitea),
            _ => None,
        }
    }

    /// Its name: the source under which its deliveries stand in the inbox.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
        }
    }
}

impl fmt::Display for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A webhook as it came, nothing of it believed yet.
#[derive(Clone, Copy, Debug)]
pub struct HookRequest<'a> {
    /// Headers that are text, their names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The body's bytes: signatures are over these.
    pub body: &'a [u8],
    /// When it came: some signatures are good for minutes only.
    pub received: Timestamp,
}

/// A webhook that was signed with the project's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The sender's id of the delivery: the same when it is sent again.
    pub delivery: String,
    /// What happened.
    pub event: HookEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookEvent {
    /// A branch or a tag came, moved or went; commits that the forge left out are `None`.
    Ref(RefEvent),
    /// The forge asks whether anybody is there.
    Ping,
    /// Something that will mean a pipeline, and does not yet: "merge requests".
    Unsupported(&'static str),
    /// Something that concerns no pipeline, in the forge's words.
    Other(String),
}

/// Why a webhook is not believed, or not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// It bears no signature.
    #[error("the webhook is not signed: {0}")]
    Unsigned(String),
    /// Its signature is not one of the project's secret.
    #[error("the webhook's signature is wrong: {0}")]
    Forged(String),
    /// It is signed, and makes no sense.
    #[error("the webhook can't be read: {0}")]
    Malformed(String),
}

/// Reads webhooks. Pure: neither a file nor a socket is touched, and no input makes it panic.
pub trait Hooks: Send + Sync {
    /// Checks the signature in constant time, and reads the body only after that.
    fn read(
        &self,
        forge: Forge,
        request: &HookRequest<'_>,
        secret: &str,
    ) -> Result<Hook, HookError>;
}

/// What a forge shows beside a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStatus {
    /// The commit, hexadecimal.
    pub sha: String,
    /// Short name of the branch or tag.
    pub ref_name: String,
    /// How it stands.
    pub state: CommitState,
    /// Whose word it is: one status of a commit for each.
    pub context: String,
    /// One line for people.
    pub description: String,
    /// Where there is more to see.
    pub target_url: String,
}

/// How a pipeline stands, as far as any forge tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitState {
    /// Nothing runs yet.
    Pending,
    /// Jobs run.
    Running,
    /// All is well.
    Success,
    /// A job failed.
    Failure,
    /// There is no telling: the configuration is wrong.
    Error,
    /// Somebody stopped it.
    Canceled,
}

/// Why a forge did not take a status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// It may later.
    #[error("{why}")]
    Later {
        /// The cause.
        why: String,
        /// Not before so long, in the forge's own words.
        after: Option<Millis>,
    },
    /// It never will, unless somebody changes the token, its rights or the repository.
    #[error("{0}")]
    Refused(String),
}

/// Tells forges how commits stand.
#[async_trait]
pub trait Statuses: Send + Sync {
    /// Whether there is a login for the forge that has the repository.
    fn knows(&self, repository: &RemoteUrl) -> bool;

    /// Shows a status in place of the last one of that commit and context. Telling the same again is no error.
    async fn tell(&self, repository: &RemoteUrl, status: &CommitStatus) -> Result<(), StatusError>;
}
