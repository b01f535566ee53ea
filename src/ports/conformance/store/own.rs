//! Access tokens, and what the coordinator knows of itself.

use aqueduct_core::{id::AccessTokenId, token::TokenHash};
use futures_util::future::join_all;

use super::samples::{NOW, assert_taken, later};
use crate::store::{AccessScope, NewAccessToken, NewSession, Store, StoreError};

/// By their hash, expired or not: who asks decides.
pub async fn access_tokens_come_and_go(store: &dyn Store) {
    let mut new = NewAccessToken {
        hash: TokenHash::of("one"),
        name: "first".to_owned(),
        scope: AccessScope::Admin,
        expires: None,
        created: NOW,
    };
    let first = store.create_access_token(&new).await.unwrap();
    assert_taken(&store.create_access_token(&new).await);
    new.hash = TokenHash::of("two");
    (new.scope, new.expires) = (AccessScope::Read, Some(later(1)));
    let second = store.create_access_token(&new).await.unwrap();
    let found = store.access_token(&new.hash).await.unwrap().unwrap();
    assert_eq!((found.id, found.scope), (second, AccessScope::Read));
    assert_eq!(
        (found.name.as_str(), found.expires),
        ("first", Some(later(1)))
    );
    let ids: Vec<_> = store.access_tokens().await.unwrap();
    let ids: Vec<_> = ids.iter().map(|token| token.id).collect();
    assert_eq!(ids, [first, second]);
    assert!(store.delete_access_token(first).await.unwrap());
    assert!(!store.delete_access_token(first).await.unwrap());
    assert!(!store.delete_access_token(AccessTokenId(99)).await.unwrap());
    let gone = store.access_token(&TokenHash::of("one")).await.unwrap();
    assert_eq!(gone, None);
}

/// Or at their time, or when they are told to.
pub async fn sessions_end_with_their_token(store: &dyn Store) {
    let token = NewAccessToken {
        hash: TokenHash::of("one"),
        name: "first".to_owned(),
        scope: AccessScope::Read,
        expires: None,
        created: NOW,
    };
    let id = store.create_access_token(&token).await.unwrap();
    let begin = async |text: &str, seconds| {
        let session = NewSession {
            hash: TokenHash::of(text),
            token: id,
            expires: later(seconds),
        };
        store.begin_session(&session, NOW).await.unwrap();
        session.hash
    };
    let [one, two, three] = [
        begin("a", 10).await,
        begin("b", 20).await,
        begin("c", 99).await,
    ];
    let known = store.session(&one, NOW).await.unwrap().unwrap();
    assert_eq!((known.id, known.scope), (id, AccessScope::Read));
    assert_eq!(store.session(&one, later(10)).await.unwrap(), None);
    assert_eq!(store.session(&token.hash, NOW).await.unwrap(), None);
    assert!(store.end_session(&two).await.unwrap());
    assert!(!store.end_session(&two).await.unwrap());
    assert_eq!(store.session(&two, NOW).await.unwrap(), None);
    let mut session = NewSession {
        hash: TokenHash::of("d"),
        token: AccessTokenId(99),
        expires: later(99),
    };
    let refused = store.begin_session(&session, NOW).await;
    assert!(
        matches!(refused, Err(StoreError::Missing(_))),
        "{refused:?}"
    );
    // A session that begins takes those away whose time is over.
    session.token = id;
    store.begin_session(&session, later(50)).await.unwrap();
    assert!(!store.end_session(&one).await.unwrap());
    assert!(store.delete_access_token(id).await.unwrap());
    assert_eq!(store.session(&three, NOW).await.unwrap(), None);
    assert!(!store.end_session(&three).await.unwrap());
}

/// The later one, if the clock steps back.
pub async fn the_last_life_is_remembered(store: &dyn Store) {
    assert_eq!(store.alive(NOW).await.unwrap(), None);
    assert_eq!(store.alive(later(50)).await.unwrap(), Some(NOW));
    assert_eq!(store.alive(later(20)).await.unwrap(), Some(later(50)));
    assert_eq!(store.alive(later(70)).await.unwrap(), Some(later(50)));
    assert_eq!(store.alive(later(70)).await.unwrap(), Some(later(70)));
}

/// Until they are replaced.
pub async fn values_are_kept(store: &dyn Store) {
    assert_eq!(store.meta("a").await.unwrap(), None);
    store.set_meta("a", "1").await.unwrap();
    store.set_meta("b", "").await.unwrap();
    store.set_meta("a", "2").await.unwrap();
    assert_eq!(store.meta("a").await.unwrap().as_deref(), Some("2"));
    assert_eq!(store.meta("b").await.unwrap().as_deref(), Some(""));
}

/// And all hear which.
pub async fn of_two_first_values_one_stays(store: &dyn Store) {
    let tries: Vec<_> = (0..6).map(|number| number.to_string()).collect();
    let answers = join_all(tries.iter().map(|value| store.meta_or("key", value))).await;
    let stored = store.meta("key").await.unwrap().unwrap();
    for answer in answers {
        assert_eq!(answer.unwrap(), stored);
    }
}
