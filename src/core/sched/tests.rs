use super::{ExecutorOffer, Offer, TagPolicy, place, refusal};
use crate::{
    plan::{ConflictPolicy, Image, JobKind, PlanJob, PublishSpec, Require, ScriptSpec},
    platform::Arch,
};

const BOTH: [Arch; 2] = Arch::ALL;

fn job(tags: &[&str], arch: Option<Arch>, image: bool) -> PlanJob {
    PlanJob {
        tags: tags.iter().map(ToString::to_string).collect(),
        arch,
        image: image.then(Image::default),
        ..PlanJob::new("job", "test", 0, JobKind::Script(ScriptSpec::default()))
    }
}

fn offer(executors: Vec<ExecutorOffer>, tags: Option<&[&str]>) -> Offer {
    Offer {
        runner: "runner".into(),
        executors,
        tags: tags.map_or(TagPolicy::Any, |tags| {
            TagPolicy::Only(tags.iter().map(ToString::to_string).collect())
        }),
        run_untagged: true,
    }
}

fn laptop() -> Offer {
    let oci = ExecutorOffer::container("oci", BOTH.into());
    let host = ExecutorOffer::host(vec![Arch::Amd64], false);
    offer(vec![oci, host, ExecutorOffer::release()], None)
}

#[test]
fn jobs_go_to_the_executor_they_are_for() {
    let forced = offer(vec![ExecutorOffer::host(vec![Arch::Amd64], true)], None);
    let tagged = offer(laptop().executors, Some(&["gpu", "docker"]));
    let strict = Offer {
        run_untagged: false,
        ..tagged.clone()
    };
    let arm = Some(Arch::Arm64);
    let table = [
        ("image", job(&[], None, true), laptop(), Some("oci")),
        ("no image", job(&[], None, false), laptop(), Some("host")),
        (
            "foreign arch in a container",
            job(&[], arm, true),
            laptop(),
            Some("oci"),
        ),
        (
            "foreign arch on the host",
            job(&[], arm, false),
            laptop(),
            None,
        ),
        (
            "a tag that names an arch",
            job(&["aarch64"], None, false),
            laptop(),
            None,
        ),
        (
            "such a tag in a container",
            job(&["aarch64"], None, true),
            laptop(),
            Some("oci"),
        ),
        (
            "a tag locally",
            job(&["saas-linux-small"], None, true),
            laptop(),
            Some("oci"),
        ),
        (
            "host forced",
            job(&[], None, true),
            forced.clone(),
            Some("host"),
        ),
        (
            "host forced, foreign arch",
            job(&[], arm, true),
            forced,
            None,
        ),
        (
            "all tags",
            job(&["gpu", "docker"], None, true),
            tagged.clone(),
            Some("oci"),
        ),
        (
            "one tag too many",
            job(&["gpu", "big"], None, true),
            tagged.clone(),
            None,
        ),
        ("untagged", job(&[], None, true), tagged, Some("oci")),
        (
            "untagged refused",
            job(&[], None, true),
            strict.clone(),
            None,
        ),
        (
            "an arch tag is no tag",
            job(&["amd64"], None, true),
            strict,
            None,
        ),
    ];
    for (name, job, offer, expected) in table {
        assert_eq!(place(&job, &offer), expected, "{name}");
    }
}

#[test]
fn an_architecture_is_as_good_as_its_tag_and_keywords_want_a_runner_that_knows_them() {
    let named = Offer {
        tags: TagPolicy::Only(vec!["aarch64".into()]),
        run_untagged: false,
        ..laptop()
    };
    let with_services = PlanJob {
        unsupported: vec!["services (.gitlab-ci.yml:3:3)".into()],
        ..job(&[], None, true)
    };
    let mut knowing = laptop();
    knowing.executors[0].keywords = vec!["services".into()];
    let table = [
        (
            "a runner's own tag names the architecture that a job asks for",
            job(&["arm64"], None, true),
            named.clone(),
            Some("oci"),
        ),
        (
            "and the keyword means the same",
            job(&[], Some(Arch::Arm64), true),
            named.clone(),
            Some("oci"),
        ),
        (
            "but not a job that asks for none",
            job(&[], None, true),
            named,
            None,
        ),
        (
            "a keyword that not every runner works off",
            with_services.clone(),
            laptop(),
            None,
        ),
        ("and one that does", with_services, knowing, Some("oci")),
    ];
    for (name, job, offer, expected) in table {
        assert_eq!(place(&job, &offer), expected, "{name}");
    }
}

#[test]
fn releases_go_to_the_release_worker_whatever_their_tags() {
    let publish = PublishSpec {
        python: vec!["dist/*".into()],
        to: vec!["here".into()],
        primary: None,
        require: Require::All,
        on_conflict: ConflictPolicy::Fail,
    };
    let release = PlanJob {
        kind: JobKind::Publish(publish),
        ..job(&["gpu"], Some(Arch::Arm64), false)
    };
    let strict = Offer {
        run_untagged: false,
        ..offer(vec![ExecutorOffer::release()], Some(&[]))
    };
    assert_eq!(place(&release, &strict), Some("release"));
    assert_eq!(place(&job(&[], None, false), &strict), None);
}

#[test]
fn a_refusal_says_what_nobody_has() {
    let amd = ExecutorOffer::container("oci", vec![Arch::Amd64]);
    let arm = ExecutorOffer::container("oci", vec![Arch::Arm64]);
    let plain = offer(vec![amd.clone()], Some(&["docker"]));
    let split = vec![
        offer(vec![amd], Some(&["gpu"])),
        offer(vec![arm], Some(&[])),
    ];
    let gpu_on_arm = job(&["gpu"], Some(Arch::Arm64), true);
    let trigger = PlanJob {
        kind: JobKind::Trigger,
        ..job(&[], None, false)
    };
    let table = [
        (
            gpu_on_arm.clone(),
            vec![plain.clone()],
            "no runner takes arch arm64 and tag gpu",
        ),
        (
            gpu_on_arm,
            split,
            "no runner takes jobs with an image and arch arm64 and tag gpu together",
        ),
        (
            job(&[], Some(Arch::Arm64), false),
            vec![plain.clone()],
            "no runner takes jobs without an image and arch arm64",
        ),
        (
            job(&["a", "b"], None, true),
            vec![plain.clone()],
            "no runner takes tags a, b",
        ),
        (trigger, vec![plain], "no runner takes jobs with `trigger`"),
        (job(&[], None, true), Vec::new(), "no runner is connected"),
    ];
    for (job, offers, expected) in table {
        let verdict = refusal(&job, &offers).unwrap();
        assert_eq!(verdict.cause, expected);
    }
    assert_eq!(refusal(&job(&["x"], None, true), &[laptop()]), None);
}
