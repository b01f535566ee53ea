//! The conformance suite of [`Store`](crate::store::Store).
//!
//! An implementation names a function that opens an empty store in [`store_conformance!`](crate::store_conformance), which makes
//! one test per case, and runs [`kill`] with a process of its own. A case panics where the contract is broken.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a case panics where the contract is broken: that is its purpose"
)]

mod artifacts;
mod boxes;
mod environments;
mod heads;
mod history;
pub mod kill;
mod own;
mod pipelines;
mod projects;
mod runners;
mod samples;
mod texts;
mod traces;

pub use artifacts::*;
pub use boxes::*;
pub use environments::*;
pub use heads::*;
pub use history::*;
pub use own::*;
pub use pipelines::*;
pub use projects::*;
pub use runners::*;
pub use texts::*;
pub use traces::*;

/// Makes a test of every case. `$open` is an async function without arguments that gives something which dereferences to a
/// [`Store`](crate::store::Store) and keeps it open; every call must give an empty one.
#[macro_export]
macro_rules! store_conformance {
    ($open:path) => {
        $crate::store_conformance!(@cases $open;
            projects_are_found_by_id_and_path a_path_belongs_to_one_project
            an_update_from_an_old_version_conflicts a_deleted_project_frees_its_path
            a_project_with_an_active_pipeline_stays
            a_pipeline_comes_back_as_it_was_made job_ids_are_blocks a_cause_makes_one_pipeline
            numbers_have_no_gaps pipelines_need_a_project
            a_commit_replaces_what_it_names of_two_commits_one_wins a_commit_that_fails_writes_nothing
            jobs_that_are_not_there_fail_the_commit many_commits_at_once_all_count
            a_commit_changes_any_number_of_jobs
            active_pipelines_are_listed active_pipelines_of_a_ref_are_listed tokens_open_only_leased_attempts
            pages_go_from_new_to_old filters_hold_together jobs_are_listed_by_state
            a_snapshot_is_of_one_moment
            traces_append_once traces_refuse_gaps traces_keep_up_to_the_limit traces_read_anywhere
            attempts_have_traces_of_their_own a_sealed_trace_is_an_object
            a_trace_that_grew_is_not_sealed only_ended_attempts_are_sealed
            appends_at_once_add_up
            runners_are_found_by_token runners_change_and_go a_reset_token_opens_nothing
            managers_are_told_apart managers_come_all_at_once a_new_instance_is_told_once polling_writes_seldom
            registration_tokens_come_and_go
            deliveries_come_in_once deliveries_wait_for_their_turn
            done_deliveries_are_known_until_forgotten deliveries_need_a_project
            effects_come_with_the_commit effects_of_a_subject_replace_each_other
            effects_wait_for_their_turn
            heads_and_deliveries_are_one heads_conflict_as_a_whole heads_go_missing_and_come_back
            a_recreated_ref_is_another_generation thousands_of_heads_at_once
            artifacts_replace_their_kind objects_need_a_reservation
            reservations_run_out artifacts_expire claimed_garbage_stays_claimed
            environments_are_kept_by_name environments_change_from_their_version
            environments_stop_at_their_time
            access_tokens_come_and_go sessions_end_with_their_token the_last_life_is_remembered values_are_kept
            of_two_first_values_one_stays
            texts_are_kept_as_they_are nul_becomes_a_replacement names_have_a_limit large_values_are_kept
        );
    };
    (@cases $open:path; $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let store = $open().await;
                $crate::conformance::store::$case(&*store).await;
            }
        )+
    };
}
