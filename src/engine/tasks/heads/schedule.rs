//! Whose turn it is.

use std::{collections::BTreeMap, time::Duration};

use aqueduct_core::{id::ProjectId, time::Millis};
use tokio::time::Instant;

use crate::tasks::backoff;

/// Shortest time between two looks that nobody asked for.
const SHORTEST: Millis = Millis(100);
/// Longest rest that a repository has between two looks, whoever asks for them.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// When each project is looked at next.
pub(super) struct Schedule {
    turns: BTreeMap<ProjectId, Turn>,
    longest_wait: Millis,
}

struct Turn {
    interval: Millis,
    due: Instant,
    failures: u32,
    /// How often it was looked at: gives each wait another length.
    count: u64,
    looking: bool,
    /// A hint came during a look, which may have missed what it is about.
    again: bool,
    /// When the last look began.
    begun: Instant,
    /// Not before this, also if somebody asks: a rest as long as the last look took. Of many pushes in a row the first is seen at
    /// once, and looking for the others takes half of the time at most.
    rested: Instant,
}

impl Schedule {
    pub(super) const fn new(longest_wait: Millis) -> Self {
        Self {
            turns: BTreeMap::new(),
            longest_wait,
        }
    }

    /// Takes over the list of projects; new ones have their turn at once.
    pub(super) fn update(&mut self, projects: BTreeMap<ProjectId, Millis>, now: Instant) {
        self.turns
            .retain(|project, turn| projects.contains_key(project) || turn.looking);
        for (project, interval) in projects {
            let interval = interval.max(SHORTEST);
            let turn = self.turns.entry(project).or_insert(Turn {
                interval,
                due: now,
                failures: 0,
                count: 0,
                looking: false,
                again: false,
                begun: now,
                rested: now,
            });
            if turn.interval != interval {
                turn.interval = interval;
                turn.due = turn.due.min(now + interval.to_std());
            }
        }
    }

    pub(super) fn knows(&self, project: ProjectId) -> bool {
        self.turns.contains_key(&project)
    }

    /// Gives a project its turn now, or again after the look it is having.
    pub(super) fn hint(&mut self, project: ProjectId, now: Instant) {
        if let Some(turn) = self.turns.get_mut(&project) {
            turn.again |= turn.looking;
            turn.due = turn.due.min(now.max(turn.rested));
        }
    }

    /// A project whose turn it is: the one that has waited longest.
    pub(super) fn next(&mut self, now: Instant) -> Option<ProjectId> {
        let waiting = self
            .turns
            .iter_mut()
            .filter(|(_, turn)| !turn.looking && turn.due <= now);
        let (project, turn) = waiting.min_by_key(|(_, turn)| turn.due)?;
        turn.looking = true;
        turn.begun = now;
        Some(*project)
    }

    /// When the next turn is.
    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = self.turns.values().filter(|turn| !turn.looking);
        waiting.map(|turn| turn.due).min()
    }

    /// Gives a project its turn then, if it would come later.
    pub(super) fn no_later(&mut self, project: ProjectId, then: Instant) {
        if let Some(turn) = self.turns.get_mut(&project) {
            turn.due = turn.due.min(then);
        }
    }

    /// A look is over.
    pub(super) fn done(&mut self, project: ProjectId, ok: bool, now: Instant) {
        let Some(turn) = self.turns.get_mut(&project) else {
            return;
        };
        turn.looking = false;
        turn.count += 1;
        turn.failures = if ok { 0 } else { turn.failures + 1 };
        let wait = backoff::after(turn.interval, turn.failures, self.longest_wait);
        let wait = backoff::spread(wait, project.0.wrapping_mul(1 << 32) ^ turn.count);
        turn.rested = now + now.duration_since(turn.begun).min(LONGEST_REST);
        turn.due = if std::mem::take(&mut turn.again) {
            turn.rested
        } else {
            now + wait.to_std()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ProjectId = ProjectId(1);
    const TWO: ProjectId = ProjectId(2);

    fn schedule(now: Instant) -> Schedule {
        let mut schedule = Schedule::new(Millis(60_000));
        let projects = BTreeMap::from([(ONE, Millis(1000)), (TWO, Millis(8000))]);
        schedule.update(projects, now);
        schedule
    }

    fn wait(schedule: &Schedule, now: Instant) -> u64 {
        let due = schedule.due().unwrap();
        u64::try_from(due.duration_since(now).as_millis()).unwrap()
    }

    #[test]
    fn each_project_has_its_interval() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        assert_eq!(
            [schedule.next(now), schedule.next(now)],
            [Some(ONE), Some(TWO)]
        );
        assert_eq!((schedule.next(now), schedule.due()), (None, None));
        schedule.done(ONE, true, now);
        schedule.done(TWO, true, now);
        assert!((900..=1100).contains(&wait(&schedule, now)));
        assert_eq!(schedule.next(now + Duration::from_millis(500)), None);
        assert_eq!(schedule.next(now + Duration::from_millis(1200)), Some(ONE));
    }

    #[test]
    fn failures_take_longer_and_a_hint_does_not_wait() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.update(BTreeMap::from([(ONE, Millis(1000))]), now);
        for expected in [900..=1100, 1800..=2200, 3600..=4400] {
            schedule.hint(ONE, now);
            assert_eq!(schedule.next(now), Some(ONE));
            schedule.done(ONE, false, now);
            assert!(expected.contains(&wait(&schedule, now)));
        }
        schedule.hint(ONE, now);
        assert_eq!(schedule.next(now), Some(ONE));
        schedule.hint(ONE, now);
        schedule.done(ONE, true, now);
        assert_eq!(schedule.next(now), Some(ONE), "a hint during a look");
        schedule.hint(TWO, now);
        assert!(!schedule.knows(TWO));
        schedule.done(ONE, true, now);
        for then in [7, 9000] {
            schedule.no_later(ONE, now + Duration::from_millis(then));
            assert_eq!(wait(&schedule, now), 7, "sooner, and never later");
        }
    }

    #[test]
    fn a_flood_of_hints_leaves_the_repository_its_rest() {
        let mut now = Instant::now();
        let mut schedule = schedule(now);
        schedule.update(BTreeMap::from([(ONE, Millis(60_000))]), now);
        for (took, rest) in [(40, 40), (5000, 1000)] {
            assert_eq!(schedule.next(now), Some(ONE));
            now += Duration::from_millis(took);
            schedule.hint(ONE, now);
            schedule.done(ONE, true, now);
            schedule.hint(ONE, now);
            assert_eq!((schedule.next(now), wait(&schedule, now)), (None, rest));
            now += Duration::from_millis(rest);
        }
        assert_eq!(schedule.next(now), Some(ONE));
    }

    #[test]
    fn another_interval_counts_at_once() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        schedule.update(BTreeMap::from([(TWO, Millis(8000))]), now);
        assert_eq!(schedule.next(now), Some(TWO));
        schedule.done(TWO, true, now);
        schedule.update(BTreeMap::from([(TWO, Millis(300))]), now);
        assert!(wait(&schedule, now) <= 300);
    }
}
