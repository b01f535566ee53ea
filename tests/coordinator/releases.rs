//! A coordinator releases what jobs built, to where its operator lets their project, and nowhere else.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::Value;

use crate::rig::Rig;

const MAKE_WHEEL: &str = include_str!("../release/make_wheel.py");
const OPERATOR: &str = r#"
[destinations.east]
type = "directory"
path = "east"
[destinations.west]
type = "directory"
path = "west"
[destinations.north]
type = "directory"
path = "north"

[projects."group/name"]
destinations = ["east", "west"]
packages = ["weir"]
"#;

/// A wheel, and a job a list of destinations that publishes it there.
fn pipeline(lists: &[&str]) -> String {
    let mut text = "stages: [build, release]
wheel:
  stage: build
  script: [python3 make_wheel.py]
  artifacts:
    paths: [dist/]
"
    .to_owned();
    for (number, list) in lists.iter().enumerate() {
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "publish-{number}:
  stage: release
  needs: [wheel]
  publish:
    python: dist/*.whl
    to: [{list}]
"
        );
    }
    text
}

async fn rig(lists: &[&str]) -> Rig {
    let pipeline = pipeline(lists);
    let files = [
        (".gitlab-ci.yml", pipeline.as_str()),
        ("make_wheel.py", MAKE_WHEEL),
    ];
    Rig::with(&files, OPERATOR).await
}

/// The wheels of a destination.
fn wheels(dir: &Path) -> Vec<String> {
    let files = fs::read_dir(dir.join("weir")).into_iter().flatten();
    let paths = files.map(|file| file.unwrap().path());
    let wheels = paths.filter(|path| path.extension().is_some_and(|end| end == "whl"));
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    wheels.map(name).collect()
}

fn job<'a>(jobs: &'a [Value], name: &str) -> &'a Value {
    jobs.iter().find(|job| job["name"] == name).unwrap()
}

#[tokio::test]
async fn a_wheel_goes_where_its_project_is_allowed_and_nowhere_else() {
    let rig = rig(&["east, west", "east, north"]).await;
    rig.push();
    let pipeline = rig.ended().await;
    assert_eq!(pipeline["status"], "failed");
    let jobs = rig.jobs(&pipeline).await;
    assert_eq!(job(&jobs, "wheel")["status"], "success", "{jobs:#?}");
    let (allowed, refused) = (job(&jobs, "publish-0"), job(&jobs, "publish-1"));
    let log = rig.log(allowed).await;
    assert_eq!(allowed["status"], "success", "{log}");
    for place in ["east", "west"] {
        let wheels = wheels(&rig.outside().join(place));
        assert_eq!(wheels, ["weir-1.0-py3-none-any.whl"], "{place}");
    }
    let log = rig.log(refused).await;
    assert_eq!(refused["status"], "failed");
    let why = "`north` is not among destinations of [projects.\"group/name\"]";
    assert!(log.contains(why), "{log}");
    assert!(!rig.outside().join("north").exists());
    let runners = rig.get("/runners").await;
    let names: Vec<&Value> = runners.as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2, "the worker is seen as a runner: {runners}");
}

#[tokio::test]
async fn a_coordinator_killed_in_a_release_completes_it_once() {
    let mut rig = rig(&["east, west"]).await;
    rig.push();
    let began = Instant::now();
    // The first of the two destinations has it, or will have in a moment.
    while !rig.outside().join("east").exists() {
        rig.wait(began).await;
    }
    // More often than a job's budget for lost runners would pay for.
    for _ in 0..5 {
        rig.kill_coordinator();
        rig.start_coordinator();
        rig.answers().await;
    }
    let pipeline = rig.ended().await;
    let jobs = rig.jobs(&pipeline).await;
    assert_eq!(pipeline["status"], "success", "{jobs:#?}");
    for place in ["east", "west"] {
        let wheels = wheels(&rig.outside().join(place));
        assert_eq!(wheels, ["weir-1.0-py3-none-any.whl"], "{place}");
    }
    let runners = rig.get("/runners").await;
    assert_eq!(runners.as_array().unwrap().len(), 2, "{runners}");
}

#[tokio::test]
async fn an_index_is_pushed_below_what_its_project_is_allowed() {
    let outside = tempfile::tempdir().unwrap();
    let root = outside.path().to_str().unwrap();
    let index = |name: &str, place: &str| {
        format!(
            "{name}:
  stage: release
  needs: [pack]
  index:
    image: oci:{root}/{place}:1
    from: [{{job: pack, layout: image/}}]
    platforms: [linux/amd64, linux/arm64]
"
        )
    };
    let pack = "stages: [build, release]
pack:
  stage: build
  parallel: {matrix: [{TARGET: [amd64, arm64]}]}
  script:
    - mkdir root && echo $TARGET > root/machine
    - aqueduct image pack --platform linux/$TARGET --output oci:image root
  artifacts:
    paths: [image/]
";
    let pipeline = [
        pack,
        &index("good", "images/app"),
        &index("bad", "other/app"),
    ]
    .concat();
    let operator = format!("[projects.\"group/name\"]\nrepositories = [\"oci:{root}/images\"]\n");
    let rig = Rig::with(&[(".gitlab-ci.yml", &pipeline)], &operator).await;
    rig.push();
    let jobs = rig.jobs(&rig.ended().await).await;
    let (good, bad) = (job(&jobs, "good"), job(&jobs, "bad"));
    let log = rig.log(good).await;
    assert_eq!(good["status"], "success", "{log}");
    let layout = fs::read_to_string(outside.path().join("images/app/index.json")).unwrap();
    assert!(
        layout.contains("application/vnd.oci.image.index.v1+json"),
        "{layout}"
    );
    let log = rig.log(bad).await;
    assert!(log.contains("is not among repositories of"), "{log}");
    assert!(!outside.path().join("other").exists());
}
