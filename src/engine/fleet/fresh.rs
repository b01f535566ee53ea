//! Answers of the store that are good for a moment, so that a thousand runners that poll don't ask it a thousand times a second.
//!
//! What this process changes is forgotten at once; what another one changes shows after [`MOMENT`].

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aqueduct_core::{
    id::RunnerId,
    time::{Millis, Timestamp},
    token::TokenHash,
};
use aqueduct_ports::store::{Manager, RunnerRow, Seen, Sighting, StoreError};

use super::Fleet;

/// How long an answer is good.
const MOMENT: Millis = Millis::from_secs(1);
/// More answers than that are not kept.
const MOST: usize = 10_000;

/// Answers of one kind.
pub(super) struct Fresh<K, V>(Mutex<Known<K, V>>);

struct Known<K, V> {
    answers: HashMap<K, (V, Timestamp)>,
    /// Counts how often everything was forgotten: an answer that was asked for before that is not kept.
    age: u64,
}

impl<K, V> Default for Fresh<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Known {
            answers: HashMap::new(),
            age: 0,
        }))
    }
}

impl<K: Eq + Hash, V: Clone> Fresh<K, V> {
    /// An answer that is good at `now`, or since when one that is asked for now counts.
    fn get(&self, key: &K, now: Timestamp) -> Result<V, u64> {
        let known = self.lock();
        let answer = known.answers.get(key);
        let good = answer.filter(|(_, at)| *at <= now && now.since(*at) < MOMENT);
        good.map(|(answer, _)| answer.clone()).ok_or(known.age)
    }

    fn put(&self, key: K, answer: V, now: Timestamp, age: u64) {
        let mut known = self.lock();
        if known.age != age {
            return;
        }
        if known.answers.len() >= MOST {
            known.answers.clear();
        }
        known.answers.insert(key, (answer, now));
    }

    fn forget(&self) {
        let mut known = self.lock();
        known.answers.clear();
        known.age += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Known<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of runners.
#[derive(Default)]
pub(super) struct Answers {
    runners: Fresh<TokenHash, RunnerRow>,
    managers: Fresh<(RunnerId, String), (Seen, Sighting)>,
}

impl Fleet {
    /// The runner that a token belongs to. What [`Self::runners_changed`] is not told of may be a second old.
    pub async fn runner_by_token(&self, token: &str) -> Result<Option<RunnerRow>, StoreError> {
        let (hash, now) = (TokenHash::of(token), self.shared.clock.now());
        let known = &self.answers.runners;
        let age = match known.get(&hash, now) {
            Ok(runner) => return Ok(Some(runner)),
            Err(age) => age,
        };
        let found = self.store().runner_by_token(&hash).await?;
        if let Some(runner) = &found {
            known.put(hash, runner.clone(), now, age);
        }
        Ok(found)
    }

    /// A manager was heard of. As the store's method of that name, which is asked once a second if nothing is new.
    pub async fn seen_manager(&self, sighting: &Sighting) -> Result<Seen, StoreError> {
        let key = (sighting.runner, sighting.system_id.clone());
        let known = &self.answers.managers;
        let age = match known.get(&key, sighting.now) {
            Ok((seen, last)) if tells_nothing_new(sighting, &last) => return Ok(seen),
            Ok(_) => known.lock().age,
            Err(age) => age,
        };
        let seen = self.store().seen_manager(sighting).await?;
        let told = Seen {
            replaced: None,
            ..seen.clone()
        };
        // What a call leaves out is not known to be the stored one: only the same call again is nothing new.
        known.put(key, (told, sighting.clone()), sighting.now, age);
        Ok(seen)
    }

    /// A runner or a manager was changed or removed: what is known of them is forgotten.
    pub fn runners_changed(&self) {
        self.answers.runners.forget();
        self.answers.managers.forget();
    }
}

fn tells_nothing_new(sighting: &Sighting, last: &Sighting) -> bool {
    sighting.instance == last.instance
        && sighting.info == last.info
        && sighting.now.since(last.now) < Manager::CONTACT_GRAIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_for_a_moment_and_not_beyond_a_change() {
        let known = Fresh::<&str, u32>::default();
        let at = |millis: i64| Timestamp(1000 + millis);
        let age = known.get(&"a", at(0)).unwrap_err();
        known.put("a", 1, at(0), age);
        assert_eq!(known.get(&"a", at(999)), Ok(1));
        assert_eq!(known.get(&"a", at(1000)), Err(age));
        assert_eq!(known.get(&"a", at(-1)), Err(age), "the clock was set back");
        known.forget();
        known.put("a", 2, at(0), age);
        let asked_before = known.get(&"a", at(0));
        assert_eq!(asked_before, Err(age + 1));
    }
}
