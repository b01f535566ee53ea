use std::{env, thread};

use aqueduct_core::run::mutant::Mutant;

use super::world;

const SEEDS: u64 = 10_000;
const SEEDS_FOR_A_FAULT: u64 = 1_000;

/// Lives through all seeds on two threads; the first that breaks something.
fn first_broken(seeds: u64, mutant: Option<Mutant>) -> Option<String> {
    let half = |parity: u64| {
        let mut seeds = (0..seeds).filter(move |seed| seed % 2 == parity);
        seeds.find_map(move |seed| world::run(seed, mutant).err())
    };
    thread::scope(|scope| {
        let other = scope.spawn(move || half(1));
        let mine = half(0);
        mine.or(other.join().unwrap())
    })
}

#[test]
fn nothing_is_lost_or_doubled_in_ten_thousand_worlds() {
    if let Ok(seed) = env::var("AQUEDUCT_SIM_SEED") {
        world::run(seed.parse().unwrap(), None).unwrap();
        return;
    }
    assert_eq!(first_broken(SEEDS, None), None);
}

#[test]
fn every_deliberate_fault_is_found() {
    for mutant in Mutant::ALL {
        let found = first_broken(SEEDS_FOR_A_FAULT, Some(mutant));
        assert!(
            found.is_some(),
            "{mutant:?} was not found in {SEEDS_FOR_A_FAULT} seeds"
        );
    }
}
