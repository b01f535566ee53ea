//! Access tokens.

use aqueduct_core::{id::AccessTokenId, time::Timestamp, token::TokenHash};
use aqueduct_ports::store::{
    AccessScope, AccessToken, AccessTokens, NewAccessToken, NewSession, StoreError,
};
use async_trait::async_trait;

use crate::{
    Database,
    db::{Link, Row, args, name_taken, work},
    sql::access as sql,
};

const fn scope_name(scope: AccessScope) -> &'static str {
    match scope {
        AccessScope::Admin => "admin",
        AccessScope::Read => "read",
    }
}

fn scope(name: &str) -> Result<AccessScope, StoreError> {
    let known = [AccessScope::Admin, AccessScope::Read].into_iter();
    let mut known = known.filter(|scope| scope_name(*scope) == name);
    let unknown = || StoreError::Corrupt(format!("{name:?} is no scope of an access token"));
    known.next().ok_or_else(unknown)
}

async fn insert(link: &mut Link<'_>, new: &NewAccessToken) -> Result<AccessTokenId, StoreError> {
    let values = args![
        &new.hash,
        &new.name,
        scope_name(new.scope),
        new.expires,
        new.created,
    ];
    let inserted = link.one(sql::INSERT, values).await;
    let row = inserted.map_err(|error| name_taken(error, || "the token".to_owned()))?;
    row.ok_or(StoreError::Conflict)?.only()
}

fn token(row: &Row) -> Result<AccessToken, StoreError> {
    let mut cells = row.cells();
    Ok(AccessToken {
        id: cells.next()?,
        name: cells.next()?,
        scope: scope(&cells.next::<String>()?)?,
        expires: cells.next()?,
        created: cells.next()?,
    })
}

async fn begin(link: &mut Link<'_>, new: &NewSession, now: Timestamp) -> Result<(), StoreError> {
    link.execute(sql::FORGET_SESSIONS, args![now]).await?;
    let values = args![&new.hash, new.token, new.expires];
    match link.execute(sql::BEGIN_SESSION, values).await? {
        0 => Err(StoreError::Missing("the access token".to_owned())),
        _ => Ok(()),
    }
}

#[async_trait]
impl AccessTokens for Database {
    async fn create_access_token(&self, new: &NewAccessToken) -> Result<AccessTokenId, StoreError> {
        let new = new.clone();
        self.write(work!(new; link => insert(link, &new).await))
            .await
    }

    async fn access_token(&self, hash: &TokenHash) -> Result<Option<AccessToken>, StoreError> {
        let row = self.one(sql::BY_TOKEN, args![hash]).await?;
        row.as_ref().map(token).transpose()
    }

    async fn access_tokens(&self) -> Result<Vec<AccessToken>, StoreError> {
        self.all(sql::ALL, args![])
            .await?
            .iter()
            .map(token)
            .collect()
    }

    async fn delete_access_token(&self, id: AccessTokenId) -> Result<bool, StoreError> {
        let deleted = self.write(work!(link => link.execute(sql::DELETE, args![id]).await));
        Ok(deleted.await? > 0)
    }

    async fn begin_session(&self, session: &NewSession, now: Timestamp) -> Result<(), StoreError> {
        let new = session.clone();
        self.write(work!(new; link => begin(link, &new, now).await))
            .await
    }

    async fn session(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessToken>, StoreError> {
        let row = self.one(sql::SESSION, args![hash, now]).await?;
        row.as_ref().map(token).transpose()
    }

    async fn end_session(&self, hash: &TokenHash) -> Result<bool, StoreError> {
        let hash = *hash;
        let ended =
            self.write(work!(hash; link => link.execute(sql::END_SESSION, args![&hash]).await));
        Ok(ended.await? > 0)
    }
}
