//! What the coordinator knows of itself.

use aqueduct_core::time::Timestamp;
use aqueduct_ports::store::{Meta, StoreError};
use async_trait::async_trait;

use super::limits;
use crate::{
    Database,
    db::{Link, args, work},
    sql::meta as sql,
};

async fn alive(link: &mut Link<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let row = link.one(sql::ALIVE, args![]).await?;
    let before = row.map(|row| row.only()).transpose()?;
    link.execute(sql::SET_ALIVE, args![now]).await?;
    Ok(before)
}

async fn set_unless_set(link: &mut Link<'_>, key: &str, value: &str) -> Result<String, StoreError> {
    let row = link.one(sql::OR, args![key, value]).await?;
    row.ok_or(StoreError::Conflict)?.only()
}

#[async_trait]
impl Meta for Database {
    async fn alive(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.write(work!(link => alive(link, now).await)).await
    }

    async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        let row = self.one(sql::GET, args![key]).await?;
        row.map(|row| row.only()).transpose()
    }

    async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        limits::check("key", key)?;
        let (key, value) = (key.to_owned(), value.to_owned());
        self.write(
            work!(key, value; link => link.execute(sql::SET, args![&key, &value]).await.map(drop)),
        )
        .await
    }

    async fn meta_or(&self, key: &str, value: &str) -> Result<String, StoreError> {
        limits::check("key", key)?;
        let (key, value) = (key.to_owned(), value.to_owned());
        self.write(work!(key, value; link => set_unless_set(link, &key, &value).await))
            .await
    }
}
