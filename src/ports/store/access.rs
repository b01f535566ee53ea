//! Access tokens of people and programs.

use aqueduct_core::{id::AccessTokenId, time::Timestamp, token::TokenHash};
use async_trait::async_trait;

use super::StoreError;

/// Access tokens of people and programs.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// Adds one. [`StoreError::Taken`] if it is known.
    async fn create_access_token(
        &self,
        token: &NewAccessToken,
    ) -> Result<AccessTokenId, StoreError>;

    /// One by its hash, also if it has expired.
    async fn access_token(&self, hash: &TokenHash) -> Result<Option<AccessToken>, StoreError>;

    /// All, by id.
    async fn access_tokens(&self) -> Result<Vec<AccessToken>, StoreError>;

    /// Removes one, and the sessions that were begun with it; whether it was there.
    async fn delete_access_token(&self, id: AccessTokenId) -> Result<bool, StoreError>;

    /// Begins a session of a person with a token, and forgets those whose time is over.
    /// [`StoreError::Missing`] if there is no such token.
    async fn begin_session(&self, session: &NewSession, now: Timestamp) -> Result<(), StoreError>;

    /// The token that a session was begun with, by the hash of what the person's browser keeps; `None` if its time is over.
    async fn session(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessToken>, StoreError>;

    /// Ends a session; whether it was there.
    async fn end_session(&self, hash: &TokenHash) -> Result<bool, StoreError>;
}

/// A session of a person in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Hash of what the browser keeps.
    pub hash: TokenHash,
    /// The token that it was begun with.
    pub token: AccessTokenId,
    /// From when on it is none.
    pub expires: Timestamp,
}

/// What an access token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessScope {
    /// Everything.
    Admin,
    /// Reading.
    Read,
}

/// An access token to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccessToken {
    /// Its hash.
    pub hash: TokenHash,
    /// For people: whose, what for.
    pub name: String,
    /// What it opens.
    pub scope: AccessScope,
    /// From when on it opens nothing.
    pub expires: Option<Timestamp>,
    /// Now.
    pub created: Timestamp,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Its id.
    pub id: AccessTokenId,
    /// For people.
    pub name: String,
    /// What it opens.
    pub scope: AccessScope,
    /// From when on it opens nothing.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
}
